"""What another recogniser must hear again."""

from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.audio import PHONE, AudioFrame
from voice_agent.core.ports import RecognizerInput
from voice_agent.core.speech import Expectation, SpeechStarted, SpeechStopped, Transcript, Word
from voice_agent.engines.resilience.hearing_memory import (
    LEAD_IN,
    LONGEST,
    UNNOTICED,
    HearingMemory,
)


def frames(start: float, end: float) -> list[AudioFrame]:
    count = round((end - start) / 0.02)
    return [AudioFrame(PHONE.silence(0.02), PHONE, start + n * 0.02) for n in range(count)]


def give(memory: HearingMemory, *items: RecognizerInput | list[AudioFrame]) -> HearingMemory:
    for item in items:
        for one in item if isinstance(item, list) else [item]:
            memory.note(one)
    return memory


def heard_again(memory: HearingMemory) -> tuple[float, float]:
    sound = [item for item in memory.replay() if isinstance(item, AudioFrame)]
    return (sound[0].start, sound[-1].end) if sound else (0.0, 0.0)


def test_of_silence_only_a_moment_is_heard_again() -> None:
    memory = give(HearingMemory(), frames(0, 30))
    start, end = heard_again(memory)
    assert 0 < end - start <= LEAD_IN + 0.03
    assert memory.unnoticed <= UNNOTICED + 0.02


def test_sound_that_came_before_the_notice_of_speech_is_not_lost() -> None:
    memory = give(HearingMemory(), frames(0, 9.4), SpeechStarted(2.3), SpeechStopped(4.2))
    start, end = heard_again(memory)
    assert round(start, 1) == 1.7
    assert round(end, 2) == 9.4


def test_speech_is_kept_whole_with_a_little_before_it() -> None:
    memory = give(HearingMemory(), frames(0, 5), SpeechStarted(4.8), frames(5, 7.5))
    start, end = heard_again(memory)
    assert 4.1 < start < 4.25
    assert round(end, 2) == 7.5


def test_final_text_ends_its_stretch() -> None:
    memory = give(
        HearingMemory(), SpeechStarted(0), frames(0, 2), SpeechStopped(1.8), frames(2, 2.1)
    )
    memory.complete(Transcript("hello", final=True, end=1.8))
    assert not memory.speaking
    assert round(heard_again(memory)[0], 2) == 2.0


def test_the_end_of_speech_is_asked_for_again_too() -> None:
    memory = give(
        HearingMemory(), SpeechStarted(0), frames(0, 1), SpeechStopped(0.9), frames(1, 1.1)
    )
    kinds = [type(item) for item in memory.replay() if not isinstance(item, AudioFrame)]
    assert kinds == [SpeechStarted, SpeechStopped]


def test_a_recogniser_s_own_end_of_turn_leaves_what_was_said_after_it() -> None:
    memory = give(HearingMemory(), SpeechStarted(0), frames(0, 3))
    memory.complete(Transcript("hello", final=True, end=2.0, ends_turn=True))
    start, end = heard_again(memory)
    assert (round(start, 2), round(end, 2)) == (2.0, 3.0)


def test_of_a_long_stretch_old_words_stay_text_and_three_seconds_are_heard_again() -> None:
    memory = give(HearingMemory(), SpeechStarted(0), frames(0, 8))
    words = tuple(Word(f"w{n}", n, n + 0.8) for n in range(8))
    memory.complete(Transcript("…", final=False, words=words))
    start, _ = heard_again(memory)
    assert 4.7 <= start <= 4.9
    whole = memory.complete(Transcript("w5 w6 w7", final=True, end=8.0))
    assert whole.text == "w0 w1 w2 w3 w4 w5 w6 w7"


def test_kept_words_are_part_of_interim_text_and_of_one_final_only() -> None:
    memory = give(HearingMemory(), SpeechStarted(0), frames(0, 6))
    memory.complete(Transcript("a b", final=False, words=(Word("a", 0, 1), Word("b", 5, 5.5))))
    memory.replay()
    assert memory.complete(Transcript("b", final=False)).text == "a b"
    assert memory.complete(Transcript("b c", final=True, end=6.0)).text == "a b c"
    assert memory.complete(Transcript("next", final=True, end=7.0)).text == "next"


def test_what_was_asked_for_is_told_to_the_successor() -> None:
    memory = give(HearingMemory(), Expectation.YES_NO)
    assert list(memory.replay()) == [Expectation.YES_NO]


@given(st.lists(st.sampled_from(["sound", "start", "stop", "final", "interim"]), max_size=80))
def test_it_never_keeps_more_than_half_a_minute(steps: list[str]) -> None:
    memory, at = HearingMemory(), 0.0
    for step in steps:
        match step:
            case "sound":
                give(memory, frames(at, at + 1))
                at += 1
            case "start":
                memory.note(SpeechStarted(at))
            case "stop":
                memory.note(SpeechStopped(at))
            case _:
                memory.complete(Transcript("x", final=step == "final", end=at))
    start, end = heard_again(memory)
    assert end - start <= LONGEST + 0.1
