"""A voice that knows no markup still makes its breaks and changes its pace."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.audio import PHONE
from voice_agent.core.speech import SpeechEvent, SpeechRequest, SpokenAudio, SpokenWord
from voice_agent.engines.tts.event_stream import events_of
from voice_agent.engines.tts.scripted import ScriptedSynthesizer
from voice_agent.engines.tts.ssml import parse, plain_text
from voice_agent.engines.tts.unmarked_voice import Stretch, UnmarkedVoice, stretches

pytestmark = pytest.mark.anyio


def asked(markup: str) -> SpeechRequest:
    return SpeechRequest(plain_text(parse(markup)), PHONE, markup=markup)


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("", (Stretch(""),)),
        ("Hello there.", (Stretch("Hello there."),)),
        (
            'Wait. <break time="1s"/> <prosody rate="80%">Slowly</prosody>, ok?',
            (Stretch("Wait.", 1.0, 1.0), Stretch("Slowly,", 0.8), Stretch("ok?")),
        ),
        ('<break time="300ms"/> Hi', (Stretch("", 1.0, 0.3), Stretch("Hi"))),
        ('Hi <break time="1s"/><break time="1s"/>', (Stretch("Hi", 1.0, 2.0),)),
        ('Hi<break time="20ms"/> you', (Stretch("Hi you"),)),
        (
            'It is <say-as interpret-as="digits">12</say-as>. <break time="1s"/> Ok',
            (Stretch("It is one two.", 1.0, 1.0), Stretch("Ok")),
        ),
        (
            '<prosody rate="50%">a <prosody rate="50%">b</prosody></prosody>',
            (Stretch("a", 0.5), Stretch("b", 0.25)),
        ),
        (
            '<emphasis>Very</emphasis> <prosody volume="loud">good</prosody>',
            (Stretch("Very good"),),
        ),
    ],
)
def test_a_clause_is_cut_where_it_says_so(markup: str, expected: tuple[Stretch, ...]) -> None:
    assert stretches(asked(markup)) == expected


def test_markup_that_reads_otherwise_is_ignored() -> None:
    request = SpeechRequest("Hello there", PHONE, markup="Hello <break/> you")

    assert stretches(request) == (Stretch("Hello there"),)


@given(
    st.lists(
        st.sampled_from(
            ["a ", "b", ", ", '<break time="1s"/>', '<prosody rate="slow">', "</prosody>", " "]
        )
    ).map("".join)
)
def test_no_word_is_lost_or_said_twice(markup: str) -> None:
    request = asked(markup)
    said = [word for stretch in stretches(request) for word in stretch.text.split()]

    assert said == request.text.split()


async def test_the_words_keep_their_places_in_the_sound() -> None:
    inner = ScriptedSynthesizer()
    request = asked('One <break time="500ms"/> <prosody rate="50%">two</prosody> three')
    events = [event async for event in UnmarkedVoice(inner).stream(request)]
    words = [e for e in events if isinstance(e, SpokenWord)]
    sound = b"".join(e.data for e in events if isinstance(e, SpokenAudio))

    assert [(w.text, w.start, w.end) for w in words] == [
        ("One", 0.0, 0.25),
        ("two", 0.75, 1.25),
        ("three", 1.25, 1.5),
    ]
    assert len(sound) == 12_000
    assert sound[2000:6000] == b"\xff" * 4000
    assert all(not asked.markup for asked in inner.requests)


async def test_closing_closes_the_voice() -> None:
    class Endless:
        closed = False

        async def stream(self, _request: SpeechRequest) -> AsyncIterator[SpeechEvent]:
            try:
                while True:
                    yield SpokenAudio(b"\xff" * 160)
            finally:
                self.closed = True

    voice = Endless()
    events = events_of(UnmarkedVoice(voice), asked("Hello"))
    await anext(events)
    await events.aclose()

    assert voice.closed
