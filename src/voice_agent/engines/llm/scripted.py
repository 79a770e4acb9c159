"""A language model that says exactly what it was given: for tests, benchmarks and rehearsals."""

from collections.abc import AsyncIterator, Sequence

import anyio
from pydantic import BaseModel, Field

from voice_agent.core.chat import ChatEvent, ChatRequest, Finished, FinishReason, TextDelta
from voice_agent.core.errors import ProviderError
from voice_agent.engines.registry import Kind, Provider

Step = ChatEvent | ProviderError | float
"""An event, an error to raise, or seconds to wait."""


def says(*texts: str) -> list[Step]:
    """An answer of text only."""
    return [*(TextDelta(text) for text in texts), Finished(FinishReason.STOP)]


class ScriptedModel:
    """Plays one list of steps per request, the last one again and again.

    `requests` records what it was asked, `closed` how many streams are over.
    """

    def __init__(self, *answers: Sequence[Step]) -> None:
        """Without answers it says nothing and stops."""
        self._answers = answers or (says(),)
        self.requests: list[ChatRequest] = []
        self.closed = 0

    async def stream(self, request: ChatRequest) -> AsyncIterator[ChatEvent]:
        """The next list of steps.

        Raises:
            ProviderError: the script says so.
        """
        steps = self._answers[min(len(self.requests), len(self._answers) - 1)]
        self.requests.append(request)
        try:
            for step in steps:
                if isinstance(step, float | int):
                    await anyio.sleep(step)
                elif isinstance(step, ProviderError):
                    raise step
                else:
                    yield step
        finally:
            self.closed += 1


class Options(BaseModel):
    """Settings of the scripted model."""

    answers: list[str] = Field(
        default=["This is a scripted answer."], description="One text per turn; the last repeats."
    )
    delay: float = Field(0.0, ge=0, description="Seconds before the first word of an answer.")


def _build(options: Options) -> ScriptedModel:
    return ScriptedModel(*([options.delay, *says(answer)] for answer in options.answers))


PROVIDER = Provider(
    name="scripted",
    kind=Kind.LLM,
    options=Options,
    build=_build,
    summary="Says given texts in turn; for tests and benchmarks.",
)
