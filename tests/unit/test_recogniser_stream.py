"""A call inside the worker, with a decoder that says what it is given."""

from typing import Any

import numpy as np

from voice_agent.core.audio import WIDEBAND
from voice_agent.core.speech import Expectation
from voice_agent.engines.stt.caller_stream import CallerStream
from voice_agent.engines.stt.decoder import Hypothesis
from voice_agent.engines.stt.search import HeardWord
from voice_agent.engines.stt.spectrum import Floats
from voice_agent.engines.stt.speech_buffer import LONGEST

STEP = 0.1
SOUND = np.zeros(round(STEP * WIDEBAND.rate), np.int16).tobytes()


class CountingDecoder:
    """Its text is the number of frames so far, in tens."""

    def __init__(self) -> None:
        self.frames = 0
        self.asked: list[Expectation] = []

    def add(self, frames: Floats) -> None:
        self.frames += len(frames)

    def listen(self, expectation: Expectation) -> str | None:
        text = f"interim {expectation} {self.frames // 100}"
        return None if self.frames < 20 else text

    def finish(self, expectation: Expectation) -> Hypothesis:
        self.asked.append(expectation)
        word = HeardWord(f"final {round(self.frames, -1)}", 0.1, 0.2, 0.5)
        self.frames = 0
        return Hypothesis((word,), 0.25)

    def completeness(self, text: str) -> float:
        return 0.75 if text else 0.0


class Told:
    def __init__(self) -> None:
        self.decoder = CountingDecoder()
        self.transcripts: list[dict[str, Any]] = []
        self.stream = CallerStream(WIDEBAND, self.decoder, self.transcripts.append)
        self.clock = 0.0

    def hear(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP)):
            self.stream.audio(SOUND, self.clock)
            self.clock += STEP
            self.stream.listen()

    @property
    def texts(self) -> list[str]:
        return [transcript["text"] for transcript in self.transcripts]


def test_interim_texts_come_on_change_only_and_the_final_one_last() -> None:
    told = Told()
    told.hear(1.0)
    told.stream.started(1.0)
    told.hear(1.5)
    told.stream.stopped(told.clock)
    while told.stream.finish():
        pass
    assert told.texts == ["interim anything 0", "interim anything 1", "final 180"]


def test_nothing_is_decoded_while_nobody_speaks() -> None:
    told = Told()
    told.hear(3.0)
    assert told.decoder.frames == 0
    assert not told.stream.finish()


def test_times_are_those_of_the_callers_clock() -> None:
    told = Told()
    told.clock = 50.0
    told.hear(1.0)
    told.stream.started(51.0)
    told.hear(1.0)
    told.stream.stopped(52.0)
    told.stream.finish()
    final = told.transcripts[-1]
    assert 50.6 < final["start"] < 50.7
    assert 51.9 < final["end"] < 52.1
    assert final["words"][0][1] == final["start"] + 0.1


def test_stretches_that_end_faster_than_they_are_decoded_wait_in_order() -> None:
    told = Told()
    for expectation in (Expectation.DIGITS, Expectation.NAME):
        told.stream.expect(expectation)
        told.stream.started(told.clock)
        for _ in range(10):
            told.stream.audio(SOUND, told.clock)
            told.clock += STEP
        told.stream.stopped(told.clock)
        assert not told.stream.listen()
    assert told.stream.finish()
    assert told.stream.finish()
    assert told.decoder.asked == [Expectation.DIGITS, Expectation.NAME]
    assert [t["final"] for t in told.transcripts] == [True, True]


def test_a_caller_who_never_stops_is_written_down_in_parts() -> None:
    told = Told()
    told.stream.started(0.0)
    told.hear(2 * LONGEST + 5)
    while told.stream.finish():
        pass
    assert sum(transcript["final"] for transcript in told.transcripts) == 2
