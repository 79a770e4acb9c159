"""One connection to `/v2/listen`: turns instead of segments.

      speech        ▄▆█▆▄██▆▅            ▄▆█▅
      confidence                ▁▃▅      ▁    ▁▃▅▇
      tells      Start  Update   Eager   Resumed  Eager End
                                  │ eager_eot_threshold  │ eot_threshold or eot_timeout_ms

How sure it is that a turn is over grows with the silence, slowly at first (stops inside of words
are silent too), faster after a complete sentence.
When a threshold is passed the recogniser is asked for the final text; what comes in until it
answers waits, so what is told does not depend on how long that takes.
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
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
from voice_agent.engines.vad.windows import WINDOW
from voice_agent.simulation.providers.deepgram.flux_messages import (
    INACTIVE,
    UNPARSABLE,
    FluxMessages,
)
from voice_agent.simulation.providers.deepgram.flux_query import (
    LANGUAGES,
    MULTILINGUAL,
    FluxQuery,
    OutOfBounds,
)
from voice_agent.simulation.providers.deepgram.habits import Habits
from voice_agent.simulation.providers.deepgram.steps import Ask, Hang, Say, Step
from voice_agent.simulation.providers.deepgram.wording import punctuated, words_of
from voice_agent.simulation.providers.ear import Ear, Listened, reached

UPDATE_EVERY: Final = 0.25
SURE_AFTER: Final = 0.2
"""Seconds of silence after a complete sentence until confidence is 0.7."""
_GROWTH: Final = SURE_AFTER / math.sqrt(-math.log(1 - 0.7))
_DOUBT: Final = 4.0
"""How much slower confidence grows after a sentence that is certainly not complete, minus 1."""
_UNASKED: Final = 0.5
"""Seconds by which a final that nobody asked for ends before the one that was asked for."""
_WAITING: Final = 2000
"""Windows that wait for the recogniser at most (64 s)."""
_FATAL: Final = 1011

Json = dict[str, Any]


class FluxSession:
    """The turns of one connection."""

    def __init__(self, query: FluxQuery, messages: FluxMessages, habits: Habits) -> None:
        """`query` must name audio that can be heard for any text to come."""
        self._query, self._messages, self._habits = query, messages, habits
        self._ear = Ear(query.audio) if query.audio else None
        self._bytes = 0
        self._waiting: deque[Listened | Json] = deque()
        self._asked: float | None = None
        self._listened = Listened(0.0, None, 0.0)
        self._next_update = UPDATE_EVERY
        self._turn = 0
        self._turn_start = self._turn_end = 0.0
        self._in_turn = self._eager = self._forced = self._closing = self._over = False
        self._onset: float | None = None
        self._voiced_until = 0.0
        self._words: tuple[Word, ...] = ()
        self._guess: Transcript | None = None
        self._completeness = 1.0

    def start(self) -> list[Step]:
        """The greeting."""
        return [Say(self._messages.connected())]

    def waited(self, any_frame: float, audio: float) -> list[Step]:
        """Seconds since the last frame of any kind and since the last audio."""
        del any_frame
        if audio < self._habits.inactive or self._over:
            return []
        return list(self._fail("INACTIVE_CLIENT", INACTIVE))

    def audio(self, data: bytes) -> list[Step]:
        """A binary frame."""
        if self._over or self._closing:
            return []
        return list(self._hear(data))

    def text(self, text: str) -> list[Step]:
        """A text frame; it waits its turn behind the sound that came before it."""
        if self._over or self._closing:
            return []
        message = _object(text)
        self._closing = message.get("type") == "CloseStream"
        self._waiting.append(message)
        return list(self._proceed())

    def heard(self, event: RecognitionEvent) -> list[Step]:
        """What the recogniser says."""
        if self._over:
            return []
        if isinstance(event, RecognitionFailed):
            return list(self._fail("INTERNAL_SERVER_ERROR", "Transcription failed."))
        if isinstance(event, Transcript):
            return list(self._transcribed(event))
        return []

    def _hear(self, data: bytes) -> Iterator[Step]:
        audio = self._query.audio
        if self._ear is None or audio is None:
            yield from self._fail("UNPARSABLE_CLIENT_MESSAGE", "The audio cannot be decoded.", 1008)
            return
        yield Ask(AudioFrame(data, audio, self._bytes / audio.bytes_per_second))
        self._bytes += len(data)
        self._waiting.extend(self._ear.listen(data))
        yield from self._proceed()
        if len(self._waiting) > _WAITING:
            yield from self._fail("INTERNAL_SERVER_ERROR", "Transcription does not keep up.")

    def _proceed(self) -> Iterator[Step]:
        while self._waiting and self._asked is None and not self._over:
            item = self._waiting.popleft()
            if isinstance(item, Listened):
                self._listened = item
                yield from self._window()
            else:
                yield from self._control(item)

    def _window(self) -> Iterator[Step]:
        if self._spoken_again():
            yield from self._open_stretch()
        if self._in_turn:
            yield from self._decide()
        if self._asked is None and reached(self._listened.end, self._next_update):
            yield self._tell("Update")

    def _spoken_again(self) -> bool:
        listened = self._listened
        new = listened.voiced_until > max(self._voiced_until, self._turn_end)
        return self._onset is None and listened.onset is not None and new

    def _open_stretch(self) -> Iterator[Step]:
        listened = self._listened
        known_until = max(self._voiced_until, self._turn_end)
        earliest = listened.end - WINDOW if self._in_turn else known_until
        self._onset = max(listened.onset or 0.0, earliest)
        self._guess, self._completeness = None, 1.0
        yield Ask(SpeechStarted(self._onset))
        if not self._in_turn:
            self._in_turn = True
            yield self._tell("StartOfTurn")
        elif self._eager:
            self._eager = False
            yield self._tell("TurnResumed")

    def _decide(self) -> Iterator[Step]:
        thresholds, sure = self._query.thresholds, self._confidence()
        eager = thresholds.eager is not None and not self._eager and sure >= thresholds.eager
        late = reached(self._listened.silence, thresholds.timeout)
        end = self._forced or sure >= thresholds.end or late
        if self._onset is not None:
            if eager or end:
                yield from self._ask()
            return
        if eager and self._words:
            self._eager = True
            yield self._tell("EagerEndOfTurn")
        if end:
            trigger = "manual" if self._forced else "model"
            late_only = late and not self._forced and sure < thresholds.end
            yield from self._end_turn("timeout" if late_only else trigger)

    def _ask(self) -> Iterator[Step]:
        onset = self._onset or 0.0
        self._voiced_until = min(max(self._listened.voiced_until, onset), self._listened.end)
        self._asked = self._voiced_until
        yield Ask(SpeechStopped(self._voiced_until))

    def _transcribed(self, transcript: Transcript) -> Iterator[Step]:
        if not transcript.final:
            self._guess = transcript
            if self._asked is None and transcript.completeness is not None:
                self._completeness = transcript.completeness
            return
        onset, asked = self._onset, self._asked
        if onset is None:
            return
        if asked is None or transcript.end < asked - _UNASKED:
            self._words += words_of(transcript, onset, max(transcript.end, onset))
            self._onset = max(transcript.end, onset)
            return
        self._words += words_of(transcript, onset, asked)
        self._asked = self._onset = self._guess = None
        if transcript.completeness is not None:
            self._completeness = transcript.completeness
        yield from self._answered()

    def _answered(self) -> Iterator[Step]:
        if self._closing and not any(isinstance(item, Listened) for item in self._waiting):
            yield self._tell("Update")
        else:
            yield from self._decide()
        yield from self._proceed()

    def _end_turn(self, trigger: str) -> Iterator[Step]:
        yield self._tell("EndOfTurn", self._voiced_until, trigger)
        self._turn += 1
        self._turn_start = self._turn_end = self._listened.end
        self._in_turn = self._eager = self._forced = False
        self._words = ()

    def _tell(self, event: str, heard: float | None = None, trigger: str = "") -> Say:
        self._next_update = self._listened.end + UPDATE_EVERY
        message = self._messages.turn_info(
            event,
            self._turn,
            (self._turn_start, self._listened.end),
            self._known(),
            confidence=self._confidence() if self._in_turn else 0.0,
            trigger=trigger,
        )
        return Say(message, heard)

    def _known(self) -> tuple[Word, ...]:
        """The turn's words so far, the recogniser's guess at those of the open stretch too."""
        words = self._words
        if self._guess is not None and self._onset is not None:
            words += words_of(self._guess, self._onset, max(self._onset, self._listened.end))
        written = punctuated([word.text for word in words])
        if self._onset is not None and words:
            written[-1] = words[-1].text if len(words) > 1 else written[-1].rstrip(".?")
        return tuple(replace(word, text=text) for word, text in zip(words, written, strict=True))

    def _confidence(self) -> float:
        slow = 1 + _DOUBT * (1 - self._completeness)
        return 1 - math.exp(-((max(self._listened.silence, 0.0) / (_GROWTH * slow)) ** 2))

    def _control(self, message: Json) -> Iterator[Step]:
        match message.get("type"):
            case "Configure":
                yield Say(self._configure(message))
            case "ForceEndTurn":
                self._forced = self._in_turn
                yield from self._decide() if self._in_turn else ()
            case "CloseStream":
                yield from self._close(message)
            case "KeepAlive":  # of another protocol
                self._over = True
                yield Hang(1005)
            case _:
                yield from self._fail("UNPARSABLE_CLIENT_MESSAGE", UNPARSABLE, 1008)

    def _close(self, message: Json) -> Iterator[Step]:
        if self._in_turn and self._onset is not None:
            self._waiting.append(message)
            yield from self._ask()
            return
        self._over = True
        yield Hang(1000)

    def _configure(self, message: Json) -> Json:
        query = self._query
        thresholds, terms = message.get("thresholds"), message.get("keyterms")
        hints = message.get("language_hints")
        try:
            _check_lists(query.model, terms, hints)
            changed = query.thresholds.changed(thresholds if isinstance(thresholds, dict) else {})
        except OutOfBounds as error:
            return self._messages.not_configured(str(error))
        self._query = replace(
            query,
            thresholds=changed,
            keyterms=query.keyterms if terms is None else tuple(terms),
            language_hints=query.language_hints if hints is None else tuple(hints),
        )
        query = self._query
        return self._messages.configured(query.thresholds, query.keyterms, query.language_hints)

    def _fail(self, code: str, description: str, close: int = _FATAL) -> Iterator[Step]:
        self._over = True
        yield Say(self._messages.error(code, description))
        yield Hang(close, code)


def _check_lists(model: str, terms: object, hints: object) -> None:
    if terms is not None and not _texts(terms):
        raise OutOfBounds("keyterms must be a list of texts")
    if hints is None:
        return
    if model != MULTILINGUAL:
        raise OutOfBounds(f"language_hints needs {MULTILINGUAL}")
    if not isinstance(hints, list) or not all(h in LANGUAGES for h in hints if _texts([h])):
        raise OutOfBounds("language_hints must be a list of supported languages")


def _texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _object(text: str) -> Json:
    """A JSON object; anything else is an empty one."""
    try:
        value = orjson.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
