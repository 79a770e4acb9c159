"""How far a voice has come, and what the next one has to say."""

from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.audio import PHONE
from voice_agent.core.speech import SpeechRequest, SpokenAudio, SpokenWord
from voice_agent.engines.resilience.speech_progress import SpeechProgress

TEXT = "your order has been shipped with D H L and arrives on tuesday"
WORDS = TEXT.split()


def sound(seconds: float) -> SpokenAudio:
    return SpokenAudio(PHONE.silence(seconds))


def word(number: int, base: float = 0.0) -> SpokenWord:
    return SpokenWord(WORDS[number], base + number * 0.25, base + (number + 1) * 0.25)


def test_a_word_counts_as_said_when_its_sound_was_passed_on() -> None:
    progress = SpeechProgress(SpeechRequest(TEXT, PHONE))
    assert progress.word(word(0)) == []
    assert progress.word(word(1)) == []
    assert progress.heard(sound(0.3)) == [word(0)]
    assert progress.heard(sound(0.2)) == [word(1)]


def test_the_next_voice_begins_with_the_word_that_was_cut() -> None:
    progress = SpeechProgress(SpeechRequest(TEXT, PHONE, markup="<b/>"))
    for number in range(4):
        progress.word(word(number))
    progress.heard(sound(0.6))
    rest, untimed = progress.hand_over()
    assert rest is not None
    assert (rest.text, rest.markup, untimed) == (" ".join(WORDS[2:]), "", [])


def test_its_words_come_after_the_sound_so_far() -> None:
    progress = SpeechProgress(SpeechRequest(TEXT, PHONE))
    progress.word(word(0))
    progress.heard(sound(0.3))
    progress.hand_over()
    progress.word(SpokenWord("order", 0.0, 0.25))
    assert progress.heard(sound(0.25)) == [SpokenWord("order", 0.3, 0.55)]


def test_a_voice_that_died_before_any_sound_leaves_everything_to_the_next() -> None:
    request = SpeechRequest(TEXT, PHONE, markup="<b/>")
    progress = SpeechProgress(request)
    progress.word(word(0))
    assert progress.hand_over() == (request, [])


def test_sound_without_times_is_taken_to_hold_words_at_a_usual_pace() -> None:
    progress = SpeechProgress(SpeechRequest(TEXT, PHONE))
    progress.heard(sound(2.0))
    rest, untimed = progress.hand_over()
    assert rest is not None
    assert 4 <= len(untimed) <= 8
    assert [w.text for w in untimed] + rest.text.split() == WORDS


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 0.6)), max_size=40), st.booleans())
def test_whatever_happens_every_word_is_said_by_exactly_one_voice(
    steps: list[tuple[bool, float]], dies: bool
) -> None:
    progress, said, number = SpeechProgress(SpeechRequest(TEXT, PHONE)), list[SpokenWord](), 0
    for is_word, seconds in steps:
        if is_word and number < len(WORDS):
            said += progress.word(word(number))
            number += 1
        else:
            said += progress.heard(sound(seconds))
    rest, untimed = progress.hand_over()
    said += untimed
    assert [w.text for w in said] + (rest.text.split() if rest else []) == WORDS
    assert all(w.end <= progress.seconds + 1e-9 for w in said)
