"""Lets the model answer and the voice speak it, into one response."""

import re
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final, cast

from voice_agent.core.chat import ChatRequest, Finished, FinishReason, TextDelta, ToolCall
from voice_agent.core.errors import ProviderError
from voice_agent.core.speech import SpeechEvent, SpeechRequest, SpokenAudio, SpokenWord
from voice_agent.simulation.providers.answers import Limits, Tally, answer, dumps
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.openai.realtime_checks import Json
from voice_agent.simulation.providers.openai.realtime_response import Response

PROVIDER: Final = "openai_realtime"
_SENTENCE_END: Final = re.compile(r"[.!?;]\s")

Tell = Callable[[list[Json]], None]


class Speaker:
    """Works on one response until it is over or this is cancelled."""

    def __init__(self, desk: Desk, response: Response, tell: Tell) -> None:
        """`tell` takes the response's events as they come."""
        self._desk, self._response, self._tell = desk, response, tell
        self._clause = ""
        self._first = True

    async def run(self, request: ChatRequest) -> tuple[str, Json | None]:
        """Do the work; gives the response's status and its details."""
        settings = self._response.settings
        limits = Limits(settings.limit, settings.parallel_calls)
        reason: FinishReason | None = None
        try:
            stream = answer(self._desk, request, limits, Tally(0))
            async with aclosing(stream):
                async for event in stream:
                    if isinstance(event, Finished):
                        reason = event.reason
                    else:
                        await self._take(event)
            await self._speak()
        except ProviderError:
            reason = None
        return _outcome(reason)

    async def _take(self, event: TextDelta | ToolCall) -> None:
        if isinstance(event, ToolCall):
            await self._speak()
            await self._pause()
            self._tell(self._response.call(event.name, dumps(event.arguments)))
            return
        if not event.text:
            return
        await self._pause()
        self._tell(self._response.text(event.text))
        self._clause += event.text
        while end := _SENTENCE_END.search(self._clause):
            rest = self._clause[end.end() :]
            self._clause = self._clause[: end.end()]
            await self._speak()
            self._clause = rest

    async def _pause(self) -> None:
        first, self._first = self._first, False
        await self._desk.wait(PROVIDER, first=first)

    async def _speak(self) -> None:
        clause, self._clause = self._clause.strip(), ""
        settings = self._response.settings
        if not clause or not settings.speaks:
            return
        begin, timed = self._response.message_audio, False
        wanted = SpeechRequest(clause, settings.output_format, rate=settings.speed)
        stream = cast("AsyncGenerator[SpeechEvent]", self._desk.synthesizer.stream(wanted))
        async with aclosing(stream):
            async for event in stream:
                if isinstance(event, SpokenWord):
                    timed = True
                    self._response.spoken(event.text, begin + event.end)
                elif isinstance(event, SpokenAudio):
                    await self._desk.wait(PROVIDER, first=False)
                    self._tell(self._response.sound(event.data))
        if not timed:
            self._spread(clause, begin)

    def _spread(self, clause: str, begin: float) -> None:
        words = clause.split()
        length = self._response.message_audio - begin
        for number, word in enumerate(words, 1):
            self._response.spoken(word, begin + length * number / len(words))


def _outcome(reason: FinishReason | None) -> tuple[str, Json | None]:
    match reason:
        case FinishReason.STOP | FinishReason.TOOL_CALLS:
            return "completed", None
        case FinishReason.LENGTH:
            return "incomplete", {"reason": "max_output_tokens"}
        case FinishReason.REFUSED:
            return "incomplete", {"reason": "content_filter"}
    error = {
        "type": "server_error",
        "code": "server_error",
        "message": "The server had an error while processing your request.",
    }
    return "failed", {"error": error}
