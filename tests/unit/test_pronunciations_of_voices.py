"""Names are said as the business says them, and told as they are written."""

from collections.abc import AsyncIterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.audio import PHONE
from voice_agent.core.errors import ConfigurationError
from voice_agent.core.speech import SpeechEvent, SpeechRequest, SpokenAudio, SpokenWord
from voice_agent.engines.tts.pronunciations import (
    PronouncingSynthesizer,
    Pronunciations,
    read_pronunciations,
)
from voice_agent.engines.tts.scripted import ScriptedSpeechOptions, ScriptedSynthesizer
from voice_agent.engines.tts.ssml import parse, plain_text

pytestmark = pytest.mark.anyio

ENTRIES = {
    "Nguyen": "win",
    "Siobhan": {"ipa": "ʃɪˈvɔːn"},
    "GIF": "jif",
    "SQL": "sequel",
    "Acme Corp": "ack mee corporation",
    "Xi'an": "she ann",
    "WWW": "world wide web",
}
DICTIONARY = read_pronunciations(ENTRIES)


def asked(text: str, markup: str = "") -> SpeechRequest:
    pronounced = DICTIONARY.apply(SpeechRequest(text, PHONE, markup=markup))
    return pronounced.request if pronounced else SpeechRequest(text, PHONE, markup=markup)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hello Nguyen, nice to meet you.", "Hello win, nice to meet you."),
        ("NGUYEN!", "win!"),
        ("nguyen's order", "win's order"),
        ("the gift and the GIF.", "the gift and the jif."),
        ("Ask S Q L or SQL now", "Ask sequel or sequel now"),
        ("This is acme corp speaking", "This is ack mee corporation speaking"),
        ("from Xi'an to us", "from she ann to us"),
        ("Nguyens live here", "Nguyens live here"),
        ("nothing to change", "nothing to change"),
    ],
)
def test_whole_words_are_said_otherwise(text: str, said: str) -> None:
    assert asked(text).text == said


def test_sounds_become_markup_and_leave_the_text_alone() -> None:
    request = asked("Ask Siobhan now.")

    assert request.text == "Ask Siobhan now."
    assert request.markup == 'Ask <phoneme alphabet="ipa" ph="ʃɪˈvɔːn">Siobhan</phoneme> now.'


def test_markup_and_text_change_together() -> None:
    request = asked(
        "Ask Nguyen or Siobhan, one two.",
        '<emphasis level="strong">Ask Nguyen</emphasis> or Siobhan,'
        ' <say-as interpret-as="digits">12</say-as>.',
    )

    assert request.text == plain_text(parse(request.markup)) == "Ask win or Siobhan, one two."
    assert '<emphasis level="strong">Ask win</emphasis>' in request.markup
    assert "<phoneme" in request.markup
    assert "<say-as" in request.markup


def test_without_entries_nothing_is_touched() -> None:
    assert not Pronunciations({})
    assert Pronunciations({}).apply(SpeechRequest("Hello", PHONE)) is None


def test_other_entries_have_another_fingerprint() -> None:
    first, second = read_pronunciations({"a": "b", "c": "d"}), read_pronunciations({"a": "c"})

    assert first.fingerprint == read_pronunciations({"c": "d", "a": "b"}).fingerprint
    assert first.fingerprint != second.fingerprint
    assert Pronunciations({}).fingerprint == ""


WORDS = st.lists(
    st.sampled_from([*ENTRIES, "hello", "there,", "a", "Corp", "S", "Nguyen.", "(GIF)", "acme"]),
    min_size=1,
    max_size=8,
).map(" ".join)


async def told(text: str) -> list[SpokenWord]:
    voice = PronouncingSynthesizer(ScriptedSynthesizer(), DICTIONARY)
    events = [event async for event in voice.stream(SpeechRequest(text, PHONE))]
    return [event for event in events if isinstance(event, SpokenWord)]


@pytest.mark.parametrize(
    "text",
    [
        "Hello Acme Corp, hello WWW and Nguyen.",
        "S Q L",
        "Siobhan Nguyen",
        "WWW WWW",
        "plain words",
    ],
)
async def test_every_word_is_told_once_as_it_was_written(text: str) -> None:
    words = await told(text)

    assert [word.text for word in words] == text.split()
    assert words[0].start == 0
    for before, after in pairwise(words):
        assert before.start < before.end
        assert before.end == pytest.approx(after.start)


async def test_an_alias_of_three_words_is_one_word_of_their_length() -> None:
    words = await told("see WWW now")

    assert [(w.text, w.start, w.end) for w in words] == [
        ("see", 0.0, 0.25),
        ("WWW", 0.25, 1.0),
        ("now", 1.0, 1.25),
    ]


@given(WORDS)
def test_the_words_map_onto_each_other_in_order(text: str) -> None:
    pronounced = DICTIONARY.apply(SpeechRequest(text, PHONE))
    if pronounced is None:
        return

    assert pronounced.words == tuple(text.split())
    assert list(pronounced.done_at) == sorted(pronounced.done_at)
    assert pronounced.done_at[-1] == len(pronounced.request.text.split()) - 1


@given(st.text(), st.text())
def test_any_text_passes(text: str, markup: str) -> None:
    DICTIONARY.apply(SpeechRequest(text, PHONE, markup=markup))


@pytest.mark.parametrize(
    "entry",
    [
        *({"a": ""}, {"": "b"}, {"a": 7}, {"a": {"ipa": ""}}, {"a": {"sounds": "x"}}, {"!": "b"}),
        {"a": "b" * 201},
        {f"w{i}": "x" for i in range(1001)},
    ],
)
def test_a_wrong_entry_is_named(entry: dict[str, object]) -> None:
    with pytest.raises(ConfigurationError, match="pronunciations"):
        read_pronunciations(entry)


async def test_closing_the_stream_closes_the_voice() -> None:
    class Endless:
        closed = False

        async def stream(self, _request: SpeechRequest) -> AsyncIterator[SpeechEvent]:
            try:
                while True:
                    yield SpokenAudio(b"\xff" * 160)
            finally:
                self.closed = True

    voice = Endless()
    stream = PronouncingSynthesizer(voice, DICTIONARY).stream(SpeechRequest("GIF", PHONE))
    await anext(aiter(stream))
    await stream.aclose()  # type: ignore[attr-defined]

    assert voice.closed


async def test_without_word_times_none_are_made_up() -> None:
    class Untimed:
        async def stream(self, _request: SpeechRequest) -> AsyncIterator[SpeechEvent]:
            yield SpokenAudio(b"\xff" * 160)

    stream = PronouncingSynthesizer(Untimed(), DICTIONARY).stream(SpeechRequest("GIF", PHONE))

    assert [event async for event in stream] == [SpokenAudio(b"\xff" * 160)]


async def test_failures_and_other_texts_pass_through() -> None:
    inner = ScriptedSynthesizer(ScriptedSpeechOptions(word_ms=100))
    voice = PronouncingSynthesizer(inner, DICTIONARY)
    request = SpeechRequest("hello there", PHONE)
    async for _ in voice.stream(request):
        pass

    assert inner.requests == [request]
