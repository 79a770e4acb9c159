"""Breaks and pace for voices that know neither markup nor moods: a clause spoken in pieces.

Wait. <break time="1s"/> <prosody rate="80%">Slowly now.</prosody> Good.
└─┬─┘ └── silence ─────┘ └─────── at 0.8 of the pace ────────────┘ └─┬─┘
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from voice_agent.core.ports import SpeechSynthesizer, Warmable
from voice_agent.core.speech import SpeechEvent, SpeechRequest, SpokenAudio, SpokenWord
from voice_agent.engines.tts.event_stream import events_of
from voice_agent.engines.tts.prosody import delivery
from voice_agent.engines.tts.ssml_parser import parse
from voice_agent.engines.tts.ssml_spans import Break, Emphasis, Prosody, Spans, Text, plain_text

SHORTEST_BREAK: Final = 0.1
"""Seconds; a shorter one is no more than the space between two words."""
SLOWEST: Final = 0.5
FASTEST: Final = 2.0
"""Factors of a voice's own pace at which it can still be understood."""
_MARK: Final = re.compile(r"[,.?!;:]+")


@dataclass(frozen=True, slots=True)
class Stretch:
    """Words at one pace (a factor), and the silence after them (s)."""

    text: str
    rate: float = 1.0
    pause: float = 0.0


def stretches(request: SpeechRequest) -> tuple[Stretch, ...]:
    """The clause cut where a break stands or the pace changes; whole where nothing does."""
    cutter = _Cutter()
    if request.markup:
        cutter.walk(parse(request.markup), 1.0)
    found = tuple(cutter.done())
    said = [word for stretch in found for word in stretch.text.split()]
    return found if said and said == request.text.split() else (Stretch(request.text),)


class UnmarkedVoice:
    """Speaks through a voice that ignores markup, and makes up for the most of it."""

    def __init__(self, inner: SpeechSynthesizer) -> None:
        """`inner` gets plain texts only."""
        self._inner = inner

    async def warm(self) -> None:
        """Let the voice get ready."""
        if isinstance(self._inner, Warmable):
            await self._inner.warm()

    async def stream(self, request: SpeechRequest) -> AsyncIterator[SpeechEvent]:
        """Speak one clause; see the port."""
        at = 0.0
        for stretch in stretches(request):
            own = request.rate * delivery(request.emotion).rate
            rate = own * min(max(stretch.rate, SLOWEST), FASTEST)
            part = replace(request, text=stretch.text, rate=rate, markup="")
            async with aclosing(self._speak(part, at)) as events:
                async for event in events:
                    if isinstance(event, SpokenAudio):
                        at += request.format.seconds(event.data)
                    yield event
            if stretch.pause:
                silence = request.format.silence(stretch.pause)
                at += request.format.seconds(silence)
                yield SpokenAudio(silence)

    async def _speak(self, part: SpeechRequest, at: float) -> AsyncGenerator[SpeechEvent, None]:
        if not part.text:
            return
        async with aclosing(events_of(self._inner, part)) as events:
            async for event in events:
                if isinstance(event, SpokenWord):
                    yield replace(event, start=event.start + at, end=event.end + at)
                else:
                    yield event


class _Cutter:
    """Collects words until the pace changes or a break comes."""

    def __init__(self) -> None:
        self._found: list[Stretch] = []
        self._words = ""
        self._rate = 1.0

    def walk(self, spans: Spans, rate: float) -> None:
        for span in spans:
            match span:
                case Break(seconds):
                    if seconds >= SHORTEST_BREAK:
                        self._cut(seconds)
                    self._words += " "
                case Emphasis(children=children):
                    self.walk(children, rate)
                case Prosody(children=children, rate=factor):
                    self.walk(children, rate * (factor or 1.0))
                case Text(text):
                    self._add(text, rate)
                case _:
                    self._add(plain_text((span,)), rate)

    def done(self) -> Sequence[Stretch]:
        self._cut(0.0)
        return self._found

    def _add(self, text: str, rate: float) -> None:
        if rate != self._rate and any(map(str.isalnum, text)):
            # A comma right behind a word is that word's.
            mark = _MARK.match(text)
            self._words += mark[0] if mark else ""
            text = text[mark.end() :] if mark else text
            self._cut(0.0)
            self._rate = rate
        self._words += text

    def _cut(self, pause: float) -> None:
        text, self._words = " ".join(self._words.split()), ""
        if any(map(str.isalnum, text)) or not self._found:
            if text or pause:
                self._found.append(Stretch(text, self._rate, pause))
            return
        last = self._found[-1]
        self._found[-1] = replace(last, text=last.text + text, pause=last.pause + pause)
