"""The inside of a synthesiser's process: many clauses at once on one native engine.

Every clause has a thread, but only the holder of the baton runs; it passes the baton on
between phrases, or between chunks where the engine allows it. The clause with the least
sound so far is next, so a long clause of one call never delays another's first sound.

        speak ──► thread ──► phrases ──► engine ──► trim ──► resample ──► encode ──► pipe
        cancel ─► the engine's next callback is told to stop
"""

import os
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

import numpy as np

from voice_agent.core.audio import AudioFormat, Encoding, Samples, encode
from voice_agent.core.resample import Resampler
from voice_agent.core.speech import SpokenWord
from voice_agent.engines.tts.baton import Baton
from voice_agent.engines.tts.edges import EdgeTrimmer
from voice_agent.engines.tts.phrasing import Phrase, phrases
from voice_agent.engines.tts.word_times import WordTimer
from voice_agent.engines.worker_channel import ChildChannel, WorkerMessage

MOST_CLAUSES: Final = 64
"""Clauses in work at once; one more is refused."""
BUNCH: Final = 0.2
"""Seconds of sound per message once a clause has begun to sound."""

Header = dict[str, Any]


class UnknownVoice(Exception):
    """The engine has no such voice; the message says which it has."""


class PhraseSink(Protocol):
    """Where an engine puts what it makes of one phrase."""

    def word(self, index: int, start: float, end: float | None = None) -> None:
        """Word `index` of the phrase sounds from `start` (seconds of the phrase's sound)."""
        ...

    def audio(self, samples: Samples) -> bool:
        """The next sound; False asks the engine to stop at once."""
        ...


class SpeechBackend(Protocol):
    """A native engine; one thread at a time calls it."""

    @property
    def reentrant(self) -> bool:
        """Whether another phrase may begin while one waits inside `PhraseSink.audio`."""
        ...

    @property
    def keeps_commas(self) -> bool:
        """Whether what stands between commas is better spoken together."""
        ...

    def rate(self, voice: str) -> int:
        """The sample rate (Hz) of a voice; raises `UnknownVoice`."""
        ...

    def speak(self, tokens: Sequence[str], voice: str, speed: float, sink: PhraseSink) -> None:
        """Speak one phrase; returns when it is over or was stopped."""
        ...


class Outlet:
    """The sound and words of one clause on their way to the pipe."""

    def __init__(
        self, rate: int, target: AudioFormat, send: Callable[[Header, bytes], None]
    ) -> None:
        """`rate` is the engine's, Hz; `target` what was asked for."""
        self.rate = rate
        self._target, self._send = target, send
        self._resampler = Resampler(rate, target.rate)
        self._waiting: list[Samples] = []
        self._waiting_count, self._count, self._sent_any = 0, 0, False

    @property
    def position(self) -> float:
        """Seconds of sound so far."""
        return self._count / self.rate

    def audio(self, samples: Samples) -> None:
        """Take sound at the engine's rate."""
        self._waiting.append(samples)
        self._waiting_count += len(samples)
        self._count += len(samples)
        if self._waiting_count >= (BUNCH * self.rate if self._sent_any else 1):
            self.push()

    def words(self, words: Iterable[SpokenWord], offset: float) -> None:
        """Words with their times, shifted by `offset` seconds."""
        late = self._resampler.delay
        spans = [
            [w.text, round(max(w.start, 0) + offset + late, 4), round(w.end + offset + late, 4)]
            for w in words
        ]
        if spans:
            self._send({"type": "words", "words": spans}, b"")

    def push(self) -> None:
        """Send what waits to make a bunch."""
        if self._waiting:
            self._emit(self._resampler.process(np.concatenate(self._waiting)))
            self._waiting, self._waiting_count = [], 0

    def finish(self) -> None:
        """Send everything that is left."""
        self.push()
        self._emit(self._resampler.flush())

    def _emit(self, samples: Samples) -> None:
        if len(samples):
            self._sent_any = True
            self._send({"type": "audio"}, encode(samples, self._target.encoding))


class PhraseTake:
    """One phrase from the engine to the outlet: edges trimmed, words timed."""

    def __init__(self, tokens: Sequence[str], outlet: Outlet, go_on: Callable[[], bool]) -> None:
        """`go_on` is asked after each chunk; it may let other clauses run first."""
        self._outlet, self._go_on = outlet, go_on
        self._offset = outlet.position
        self._trimmer = EdgeTrimmer(outlet.rate)
        self._timer = WordTimer(tokens)
        self._words: list[SpokenWord] = []

    def word(self, index: int, start: float, end: float | None = None) -> None:
        """Note a word; it is sent once the cut at the start is known."""
        self._words += self._timer.onset(index, start, end)

    def audio(self, samples: Samples) -> bool:
        """Pass sound on."""
        sound = self._trimmer.process(samples)
        if len(sound):
            self._outlet.audio(sound)
            self._send_words()
        return self._go_on()

    def finish(self, pause: float) -> None:
        """End the phrase and add `pause` seconds of silence."""
        self._outlet.audio(self._trimmer.finish())
        spoken = self._outlet.position - self._offset
        self._words += self._timer.finish(spoken + self._trimmer.cut)
        self._send_words()
        self._outlet.audio(np.zeros(round(pause * self._outlet.rate), np.int16))

    def _send_words(self) -> None:
        cut = self._trimmer.cut
        shifted = [SpokenWord(w.text, max(w.start - cut, 0), w.end - cut) for w in self._words]
        self._outlet.words(shifted, self._offset)
        self._words = []


class Clause:
    """One request on its way through the engine."""

    def __init__(
        self, header: Header, backend: SpeechBackend, baton: Baton, channel: ChildChannel
    ) -> None:
        self.id = int(header["id"])
        self.cancelled = False
        self._text, self._voice = str(header["text"]), str(header["voice"])
        self._speed = float(header["rate"])
        self._format = AudioFormat(Encoding(header["encoding"]), int(header["hz"]))
        self._backend, self._baton, self._channel = backend, baton, channel

    def run(self) -> None:
        """Speak all phrases and report the end; blocks, so it has a thread of its own."""
        self._baton.take(0.0)
        try:
            self._speak()
            self.tell({"type": "done"})
        except UnknownVoice as error:
            self.refuse("rejected", str(error))
        except Exception as error:  # noqa: BLE001 - one clause's trouble, told to its owner
            self.refuse("unavailable", f"{type(error).__name__}: {error}")
        finally:
            self._baton.give()

    def tell(self, header: Header, body: bytes = b"") -> None:
        """Send a message about this clause; without a parent there is nobody to work for."""
        if self.cancelled:
            return
        try:
            self._channel.send({**header, "id": self.id}, body)
        except OSError:
            os._exit(0)

    def refuse(self, reason: str, message: str) -> None:
        """End the clause with an error: "rejected" or "unavailable"."""
        self.tell({"type": "failed", "reason": reason, "message": message})

    def _speak(self) -> None:
        outlet = Outlet(self._backend.rate(self._voice), self._format, self.tell)
        for phrase in phrases(self._text, keep_commas=self._backend.keeps_commas):
            if self.cancelled:
                return
            self._speak_phrase(phrase, outlet)
            self._baton.pass_on(outlet.position)
        outlet.finish()

    def _speak_phrase(self, phrase: Phrase, outlet: Outlet) -> None:
        def go_on() -> bool:
            if self._backend.reentrant:
                self._baton.pass_on(outlet.position)
            return not self.cancelled

        take = PhraseTake(phrase.tokens, outlet, go_on)
        if phrase.speakable:
            self._backend.speak(phrase.tokens, self._voice, self._speed, take)
        take.finish(phrase.pause if phrase.speakable else 0.0)


class SpeechHost:
    """Serves a parent process until it closes the pipe."""

    def __init__(self, backend: SpeechBackend, channel: ChildChannel) -> None:
        self._backend, self._channel = backend, channel
        self._baton = Baton()
        self._clauses: dict[int, Clause] = {}

    def run(self) -> None:
        """Take requests; returns when the parent is gone."""
        while (message := self._channel.receive()) is not None:
            self._take(message)

    def _take(self, message: WorkerMessage) -> None:
        header = message.header
        if header["type"] == "cancel":
            clause = self._clauses.get(header["id"])
            if clause is not None:
                clause.cancelled = True
            return
        clause = Clause(header, self._backend, self._baton, self._channel)
        if len(self._clauses) >= MOST_CLAUSES:
            clause.refuse("unavailable", "too many clauses at once")
            return
        self._clauses[clause.id] = clause
        threading.Thread(target=self._run, args=(clause,), daemon=True).start()

    def _run(self, clause: Clause) -> None:
        try:
            clause.run()
        finally:
            self._clauses.pop(clause.id, None)


def serve(load: Callable[[], SpeechBackend]) -> None:
    """Load an engine, say so, and serve; ends the process."""
    channel = ChildChannel()
    try:
        backend = load()
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent is told in a sentence
        channel.failed(str(error) or type(error).__name__)
        return
    sys.setswitchinterval(0.0005)  # a new clause must not wait for the others' slices
    channel.ready()
    SpeechHost(backend, channel).run()
    # Threads may sit in native code: an orderly exit would pull the interpreter from under them.
    os._exit(0)
