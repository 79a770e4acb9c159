"""What a Realtime session wants done, as values."""

from dataclasses import dataclass

from voice_agent.core.chat import ChatRequest
from voice_agent.core.ports import RecognizerInput
from voice_agent.simulation.providers.openai.realtime_checks import Json
from voice_agent.simulation.providers.openai.realtime_response import Response


@dataclass(frozen=True, slots=True)
class Say:
    """Send an event."""

    event: Json


@dataclass(frozen=True, slots=True)
class Ask:
    """Hand something to the recogniser."""

    item: RecognizerInput


@dataclass(frozen=True, slots=True)
class Think:
    """Let the model answer, and speak the answer into the response."""

    response: Response
    request: ChatRequest


@dataclass(frozen=True, slots=True)
class Stop:
    """The response is over: stop working on it."""

    response: Response


Step = Say | Ask | Think | Stop
