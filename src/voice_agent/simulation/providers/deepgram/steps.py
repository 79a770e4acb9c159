"""What a session wants done, as values."""

from dataclasses import dataclass

from voice_agent.core.chat import JsonObject
from voice_agent.core.ports import RecognizerInput


@dataclass(frozen=True, slots=True)
class Say:
    """Send a message.

    `heard` is the moment of audio (s) it is the answer to: it goes out no sooner after that
    moment arrived than the provider takes.
    """

    message: JsonObject
    heard: float | None = None


@dataclass(frozen=True, slots=True)
class Ask:
    """Hand something to the recogniser."""

    item: RecognizerInput


@dataclass(frozen=True, slots=True)
class Hang:
    """Close the socket; code 1005 stands for a close frame without a code."""

    code: int
    reason: str = ""


Step = Say | Ask | Hang
