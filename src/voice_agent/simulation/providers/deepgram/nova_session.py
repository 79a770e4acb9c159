"""One connection to `/v1/listen`: sound and control messages in, steps out.

Time is seconds of received audio; the shell adds what depends on the wall clock.

      segment start          onset        last voiced  endpointing
          │  interim │ interim │ ▄▆█▆▄██▆▅ │           │
          ├──── 1 s ─┼─── 1 s ─┼───────────┴───────────┤
          └──────────────────── one final ─────────────┘ then the next segment

A stretch of speech is handed to the recogniser when silence, Finalize or CloseStream ends it;
what comes in until its final text is there waits, so what is told does not depend on how long
that takes.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from voice_agent.core.audio import AudioFrame
from voice_agent.core.speech import (
    RecognitionEvent,
    RecognitionFailed,
    SpeechStarted,
    SpeechStopped,
    Transcript,
    Word,
)
from voice_agent.simulation.providers.deepgram import nova_messages
from voice_agent.simulation.providers.deepgram.habits import Habits
from voice_agent.simulation.providers.deepgram.nova_messages import NovaMessages
from voice_agent.simulation.providers.deepgram.nova_query import NovaQuery, too_many_terms
from voice_agent.simulation.providers.deepgram.steps import Ask, Hang, Say, Step
from voice_agent.simulation.providers.deepgram.wording import words_of
from voice_agent.simulation.providers.ear import SHORTEST_SILENCE, Ear, Listened, reached

INTERIM_EVERY: Final = 1.0
LONGEST_SILENT_SEGMENT: Final = 3.0
LONGEST_FINAL: Final = 5.0
"""Seconds; what is longer is told in several finals."""
PAUSE: Final = 0.3
"""Seconds of silence that end a segment where endpointing is switched off."""
_UNASKED: Final = 0.5
"""Seconds by which a final that nobody asked for yet ends before the one that was."""

_WAITING: Final = 2000
"""Windows that wait for the recogniser at most (64 s)."""
_CLOSE_STREAM: Final = '{"type":"CloseStream"}'

NET_0000: Final = (
    "Deepgram did not provide a response message within the timeout window. "
    "See https://dpgr.am/net0000"
)
NET_0001: Final = (
    "Deepgram did not receive audio data or a text message within the timeout window. "
    "See https://dpgr.am/net0001"
)
DATA_0000: Final = "The payload cannot be decoded as audio. See https://dpgr.am/data0000"


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Speech whose final text is awaited, and the segment it lies in."""

    start: float
    end: float
    onset: float
    voiced_until: float
    speech_final: bool
    from_finalize: bool = False


class NovaSession:
    """The transcription of one connection."""

    def __init__(self, query: NovaQuery, messages: NovaMessages, habits: Habits) -> None:
        """`query` must name audio that can be heard for any text to come."""
        self._query, self._messages, self._habits = query, messages, habits
        self._ear = Ear(query.audio) if query.audio else None
        self._terms = query.keyterms
        self._bytes = 0
        self._now = self._segment = 0.0
        self._next_interim = INTERIM_EVERY
        self._listened = Listened(0.0, None, 0.0)
        self._onset: float | None = None
        self._interim: Transcript | None = None
        self._waiting: deque[Listened | str] = deque()
        self._pending: _Stretch | None = None
        self._last_word_end: float | None = None
        self._closing = False
        self._over = False

    def start(self) -> list[Step]:
        """There is no greeting."""
        return []

    def waited(self, any_frame: float, audio: float) -> list[Step]:
        """Seconds since the last frame of any kind and since the last audio."""
        if any_frame >= self._habits.idle:
            return [Hang(1011, NET_0001)]
        if not self._bytes and audio >= self._habits.unanswered:
            return [Hang(1011, NET_0000)]
        return []

    def audio(self, data: bytes) -> list[Step]:
        """A binary frame; an empty one closes the stream as CloseStream does."""
        if self._over or self._closing:
            return []
        return list(self._hear(data)) if data else self.text(_CLOSE_STREAM)

    def text(self, text: str) -> list[Step]:
        """A text frame; it waits its turn behind the sound that came before it."""
        if self._over or self._closing:
            return []
        self._closing = _object(text).get("type") == "CloseStream"
        self._waiting.append(text)
        return list(self._proceed())

    def heard(self, event: RecognitionEvent) -> list[Step]:
        """What the recogniser says."""
        if isinstance(event, RecognitionFailed):
            return [Hang(1011, NET_0000)]
        if self._over or not isinstance(event, Transcript):
            return []
        if not event.final:
            self._interim = event
            return []
        return list(self._final(event))

    def _hear(self, data: bytes) -> Iterator[Step]:
        if self._ear is None or self._query.audio is None:
            self._over = True
            yield Hang(1008, DATA_0000)
            return
        audio = self._query.audio
        yield Ask(AudioFrame(data, audio, self._bytes / audio.bytes_per_second))
        self._bytes += len(data)
        self._waiting.extend(self._ear.listen(data))
        yield from self._proceed()
        if len(self._waiting) > _WAITING:
            self._over = True
            yield Hang(1011, NET_0000)

    def _proceed(self) -> Iterator[Step]:
        while self._waiting and self._pending is None and not self._over:
            item = self._waiting.popleft()
            if isinstance(item, Listened):
                self._listened, self._now = item, item.end
                yield from self._speech()
                yield from self._ticks()
            else:
                yield from self._command(item)

    def _command(self, text: str) -> Iterator[Step]:
        message = _object(text)
        match message.get("type"):
            case "KeepAlive":
                return
            case "Finalize":
                yield from self._finalize()
            case "CloseStream":
                yield from self._close()
            case "Configure":
                yield Say(self._configure(message))
            case _:
                yield Say(nova_messages.schema_error(text))
                if self._habits.schema_error_closes:
                    self._over = True
                    yield Hang(1008, "SchemaError")

    def _speech(self) -> Iterator[Step]:
        listened = self._listened
        new = listened.voiced_until > self._segment
        if self._onset is None and listened.onset is not None and new:
            self._onset = max(listened.onset, self._segment)
            self._interim = None
            yield Ask(SpeechStarted(self._onset))
            if self._query.vad_events:
                yield Say(nova_messages.speech_started(self._onset))
        endpointing = self._query.endpointing
        pause = PAUSE if endpointing is None else max(endpointing, SHORTEST_SILENCE)
        if self._onset is not None and reached(listened.silence, pause):
            yield from self._end_stretch(speech_final=endpointing is not None)

    def _ticks(self) -> Iterator[Step]:
        if self._pending:
            return
        if self._onset is None and reached(self._now - self._segment, LONGEST_SILENT_SEGMENT):
            yield self._silence()
        elif reached(self._now, self._next_interim):
            self._next_interim += INTERIM_EVERY
            if self._query.interim_results:
                yield Say(self._messages.results((self._segment, self._now), self._guess()))
        yield from self._utterance_end()

    def _guess(self) -> tuple[Word, ...]:
        if self._onset is None or self._interim is None:
            return ()
        return words_of(self._interim, self._onset, self._now)

    def _utterance_end(self) -> Iterator[Step]:
        last, gap = self._last_word_end, self._query.utterance_end
        if gap is None or last is None or self._onset is not None:
            return
        if reached(self._now - last, gap):
            self._last_word_end = None
            yield Say(nova_messages.utterance_end(last))

    def _end_stretch(self, *, speech_final: bool, from_finalize: bool = False) -> Iterator[Step]:
        onset = self._onset if self._onset is not None else self._segment
        voiced_until = min(max(self._listened.voiced_until, onset), self._now)
        self._pending = _Stretch(
            self._segment, self._now, onset, voiced_until, speech_final, from_finalize
        )
        self._onset = None
        self._next_segment()
        yield Ask(SpeechStopped(voiced_until))

    def _next_segment(self) -> None:
        self._segment = self._now
        self._next_interim = self._now + INTERIM_EVERY

    def _silence(self, *, from_finalize: bool = False) -> Say:
        said = self._messages.results(
            (self._segment, self._now),
            (),
            is_final=True,
            speech_final=from_finalize,
            from_finalize=from_finalize,
        )
        self._next_segment()
        return Say(said)

    def _finalize(self) -> Iterator[Step]:
        if self._onset is not None:
            yield from self._end_stretch(speech_final=True, from_finalize=True)
        elif self._habits.answers_empty_finalize:
            yield self._silence(from_finalize=True)

    def _close(self) -> Iterator[Step]:
        if self._onset is not None:
            self._waiting.append(_CLOSE_STREAM)
            yield from self._end_stretch(speech_final=True)
            return
        if self._now > self._segment:
            yield self._silence()
        self._over = True
        rate = self._query.audio.bytes_per_second if self._query.audio else 1
        yield Say(self._messages.metadata(self._bytes / rate))
        yield Hang(1000)

    def _final(self, transcript: Transcript) -> Iterator[Step]:
        stretch = self._pending
        if stretch is None or transcript.end < stretch.voiced_until - _UNASKED:
            yield from self._part(transcript)
            return
        self._pending = None
        yield from self._told(stretch, transcript)
        yield from self._proceed()

    def _part(self, transcript: Transcript) -> Iterator[Step]:
        """The recogniser closed a long stretch of its own accord; the speech goes on."""
        if self._onset is None or not self._onset < transcript.end <= self._now:
            return
        part = _Stretch(
            self._segment, transcript.end, self._onset, transcript.end, speech_final=False
        )
        self._segment = self._onset = transcript.end
        yield from self._told(part, transcript)

    def _told(self, stretch: _Stretch, transcript: Transcript) -> Iterator[Step]:
        words = words_of(transcript, stretch.onset, stretch.voiced_until)
        if words:
            self._last_word_end = words[-1].end
        *earlier, last = _divided(stretch, words)
        for span, said in earlier:
            yield Say(self._messages.results(span, said, is_final=True), stretch.voiced_until)
        yield Say(
            self._messages.results(
                last[0],
                last[1],
                is_final=True,
                speech_final=stretch.speech_final,
                from_finalize=stretch.from_finalize,
            ),
            stretch.voiced_until,
        )

    def _configure(self, message: dict[str, Any]) -> dict[str, Any]:
        terms = message.get("keyterms")
        if not self._query.newest:
            return self._messages.not_configured(
                "CONFIGURE_KEYTERMS_NOT_SUPPORTED", "Only nova-3 takes keyterms in mid-stream."
            )
        if not _terms_or_none(terms) or not _switches_or_none(message.get("features")):
            return self._messages.not_configured("CONFIGURE_INTERNAL_ERROR", "Not applicable.")
        if terms is not None and too_many_terms(terms):
            return self._messages.not_configured(
                "CONFIGURE_KEYTERM_LIMIT_EXCEEDED", "The keyterms exceed 500 tokens."
            )
        self._terms = self._terms if terms is None else tuple(terms)
        return self._messages.configured(self._terms)


def _divided(
    stretch: _Stretch, words: tuple[Word, ...]
) -> list[tuple[tuple[float, float], list[Word]]]:
    """Cut a long segment between words so that no part is much longer than `LONGEST_FINAL`."""
    parts: list[tuple[tuple[float, float], list[Word]]] = []
    start, held = stretch.start, list[Word]()
    for word in words:
        if held and word.end - start > LONGEST_FINAL:
            parts.append(((start, held[-1].end), held))
            start, held = held[-1].end, []
        held.append(word)
    return [*parts, ((start, stretch.end), held)]


def _object(text: str) -> dict[str, Any]:
    """A JSON object; anything else is an empty one."""
    try:
        value = orjson.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _terms_or_none(value: object) -> bool:
    return value is None or (isinstance(value, list) and all(isinstance(v, str) for v in value))


def _switches_or_none(value: object) -> bool:
    return value is None or (
        isinstance(value, dict) and all(isinstance(v, bool) for v in value.values())
    )
