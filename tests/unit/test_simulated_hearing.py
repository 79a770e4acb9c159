"""The simulated providers that hear, as values: anything may come in, cut anywhere."""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.hostile_messages import mutated
from support.simulated_sound import silence, utterance
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.core.ports import RecognizerInput
from voice_agent.core.speech import (
    RecognitionEvent,
    RecognitionFailed,
    SpeechStarted,
    SpeechStopped,
    Transcript,
    Word,
)
from voice_agent.simulation.providers.deepgram import flux_query, nova_query
from voice_agent.simulation.providers.deepgram.flux_messages import FluxMessages
from voice_agent.simulation.providers.deepgram.flux_session import FluxSession
from voice_agent.simulation.providers.deepgram.habits import Habits
from voice_agent.simulation.providers.deepgram.nova_messages import NovaMessages
from voice_agent.simulation.providers.deepgram.nova_session import NovaSession
from voice_agent.simulation.providers.deepgram.refusals import BadQuery
from voice_agent.simulation.providers.deepgram.shell import Session
from voice_agent.simulation.providers.deepgram.steps import Ask, Hang, Say, Step
from voice_agent.simulation.providers.openai import realtime_steps
from voice_agent.simulation.providers.openai.realtime_events import Events
from voice_agent.simulation.providers.openai.realtime_session import RealtimeSession
from voice_agent.simulation.providers.openai.realtime_settings import new_session

RAW = [("encoding", "mulaw"), ("sample_rate", "8000")]
CALL = silence(0.4) + utterance(4) + silence(0.7) + utterance(3) + silence(1.2)
TEXTS = ("my order number is", "one two three")


def nova(habits: Habits | None = None, **options: str) -> NovaSession:
    pairs = [("model", "nova-3"), ("interim_results", "true"), *RAW, *options.items()]
    query = nova_query.read_query(pairs)
    return NovaSession(query, NovaMessages(query, "r", "2026-01-01"), habits or Habits())


def flux(**options: str) -> FluxSession:
    query = flux_query.read_query([("model", "flux-general-en"), *RAW, *options.items()])
    return FluxSession(query, FluxMessages(query, "r"), Habits())


class Conversation:
    """A session and a recogniser that answers at once."""

    def __init__(self, session: Session, texts: Sequence[str] = TEXTS) -> None:
        self.session = session
        self.texts = iter(texts)
        self.messages: list[Any] = []
        self.asked: list[RecognizerInput] = []
        self.closed: Hang | None = None
        self._begin = 0.0
        self.do(session.start())

    def do(self, steps: list[Step]) -> None:
        for step in steps:
            match step:
                case Say():
                    self.messages.append(step.message)
                case Hang():
                    self.closed = step
                case Ask(item):
                    self._ask(item)

    def _ask(self, item: RecognizerInput) -> None:
        if isinstance(item, SpeechStarted):
            self._begin = item.at
            self.asked.append(item)
        if isinstance(item, SpeechStopped):
            self.asked.append(item)
            text = next(self.texts, "")
            heard = Transcript(text, final=True, start=self._begin, end=item.at)
            self.do(self.session.heard(heard))

    def hear(self, sound: bytes, cuts: Sequence[int] = ()) -> None:
        places = [0, *sorted(cut % len(sound) for cut in cuts), len(sound)]
        for begin, end in pairwise(places):
            if end > begin:
                self.do(self.session.audio(sound[begin:end]))


@pytest.mark.parametrize("make", [nova, flux])
@given(cuts=st.lists(st.integers(0, len(CALL)), max_size=30))
@settings(max_examples=25, deadline=None)
def test_where_the_sound_is_cut_changes_nothing(
    make: Callable[[], Session], cuts: list[int]
) -> None:
    whole, cut = Conversation(make()), Conversation(make())
    whole.hear(CALL)
    cut.hear(CALL, cuts)
    assert cut.messages == whole.messages
    assert cut.asked == whole.asked


COMMANDS = [
    {"type": "KeepAlive"},
    {"type": "Finalize"},
    {"type": "CloseStream"},
    {"type": "ForceEndTurn"},
    {"type": "Configure", "keyterms": ["a"], "features": {"numerals": True}},
    {
        "type": "Configure",
        "thresholds": {"eot_threshold": 0.8, "eager_eot_threshold": 0.5, "eot_timeout_ms": 900},
        "language_hints": ["en"],
    },
]


@pytest.mark.parametrize("make", [nova, flux])
@given(
    inputs=st.lists(
        st.one_of(
            mutated(COMMANDS).map(lambda value: orjson.dumps(value, default=str).decode()),
            st.text(max_size=40),
            st.binary(max_size=4000),
        ),
        max_size=12,
    )
)
@settings(max_examples=60, deadline=None)
def test_no_input_raises_and_every_message_can_be_written(
    make: Callable[[], Session], inputs: list[str | bytes]
) -> None:
    conversation = Conversation(make())
    for item in inputs:
        session = conversation.session
        conversation.do(session.text(item) if isinstance(item, str) else session.audio(item))
        conversation.do(session.waited(1.0, 1.0))
    assert all(orjson.dumps(message) for message in conversation.messages)


@given(
    pairs=st.lists(
        st.tuples(
            st.sampled_from(["model", "encoding", "sample_rate", "endpointing", "eot_threshold"])
            | st.text(max_size=10),
            st.sampled_from(["nova-3", "flux-general-en", "mulaw", "8000", "0.7", "nan", "٣"])
            | st.text(max_size=10),
        ),
        max_size=6,
    )
)
def test_a_query_is_read_or_refused(pairs: list[tuple[str, str]]) -> None:
    for read in (nova_query.read_query, flux_query.read_query):
        try:
            read(pairs)
        except BadQuery:
            continue


def test_interims_come_each_second_of_audio_with_what_the_recogniser_guesses() -> None:
    conversation = Conversation(nova(endpointing="300"))
    conversation.hear(silence(0.1) + utterance(2))
    conversation.do(conversation.session.heard(Transcript("my or", final=False)))
    conversation.hear(utterance(7))
    interims = [m for m in conversation.messages if not m["is_final"]]
    assert [m["duration"] for m in interims] == pytest.approx([1.0, 2.0], abs=0.032)
    assert {m["start"] for m in interims} == {0.0}
    assert interims[0]["channel"]["alternatives"][0]["transcript"] == "my or"


def test_a_long_stretch_that_the_recogniser_cuts_itself_loses_nothing() -> None:
    for session in (nova(endpointing="300"), flux()):
        conversation = Conversation(session, ["last words"])
        conversation.hear(utterance(16))
        part = Transcript("first words", final=True, start=0.0, end=2.0)
        conversation.do(session.heard(part))
        conversation.hear(silence(1))
        text = orjson.dumps(conversation.messages).decode().lower()
        assert text.index("first words") < text.index("last words")


def test_the_recogniser_s_own_word_times_are_kept() -> None:
    conversation = Conversation(nova(endpointing="300"), [])
    words = (Word("yes", 0.1, 0.3, 0.9), Word("please", 0.4, 0.8, 0.8))
    session = conversation.session
    steps = session.audio(utterance(4) + silence(0.5))
    (stopped,) = [s.item for s in steps if isinstance(s, Ask) and isinstance(s.item, SpeechStopped)]
    told = session.heard(Transcript("yes please", final=True, end=stopped.at, words=words))
    (said,) = [step.message for step in told if isinstance(step, Say)]
    times = [(w["start"], w["end"]) for w in said["channel"]["alternatives"][0]["words"]]
    assert times == [(0.1, 0.3), (0.4, 0.8)]


def test_without_endpointing_there_are_finals_but_none_ends_the_speech() -> None:
    conversation = Conversation(nova(endpointing="false"))
    conversation.hear(CALL)
    finals = [m for m in conversation.messages if m["is_final"]]
    assert finals
    assert not any(m["speech_final"] for m in finals)


def test_an_incomplete_sentence_makes_flux_wait_longer() -> None:
    def turn_end(completeness: float) -> float:
        session = flux()
        conversation = Conversation(session, [])
        conversation.hear(utterance(3))
        guess = Transcript("my number is", final=False, completeness=completeness)
        conversation.do(session.heard(guess))
        while not conversation.asked or not isinstance(conversation.asked[-1], SpeechStopped):
            conversation.hear(silence(0.032))
        ends = [m["audio_window_end"] for m in conversation.messages if m.get("trigger")]
        return float(ends[0])

    assert turn_end(0.1) > turn_end(1.0) + 0.3


def test_a_recogniser_that_dies_ends_the_connection() -> None:
    failure = RecognitionFailed(ProviderUnavailable("gone", provider="test"))
    for session in (nova(), flux()):
        conversation = Conversation(session)
        conversation.do(session.heard(failure))
        assert conversation.closed
        assert conversation.closed.code == 1011


EVENTS = [
    {"type": "session.update", "session": {"type": "realtime", "audio": {"input": {}}}},
    {"type": "input_audio_buffer.append", "audio": "//////8="},
    {"type": "input_audio_buffer.commit"},
    {"type": "input_audio_buffer.clear"},
    {
        "type": "conversation.item.create",
        "previous_item_id": "root",
        "item": {
            "id": "item_a",
            "type": "message",
            "role": "user",
            "content": [{"type": "input_text", "text": "hi"}],
        },
    },
    {
        "type": "conversation.item.create",
        "item": {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    },
    {
        "type": "conversation.item.create",
        "item": {"type": "function_call_output", "call_id": "c", "output": "{}"},
    },
    {
        "type": "conversation.item.truncate",
        "item_id": "item_a",
        "content_index": 0,
        "audio_end_ms": 10,
    },
    {"type": "conversation.item.delete", "item_id": "item_a"},
    {"type": "conversation.item.retrieve", "item_id": "item_a"},
    {
        "type": "response.create",
        "response": {
            "conversation": "none",
            "input": [{"type": "message", "role": "user", "content": []}],
            "tools": [{"type": "function", "name": "f"}],
            "tool_choice": {"type": "function", "name": "f"},
            "audio": {"output": {"voice": {"id": "v"}, "speed": 1.5}},
        },
    },
    {"type": "response.cancel", "response_id": "resp_x"},
]


@given(
    inputs=st.lists(
        st.one_of(
            mutated(EVENTS).map(lambda value: orjson.dumps(value, default=str).decode()),
            st.text(max_size=40),
        ),
        max_size=15,
    )
)
@settings(max_examples=150, deadline=None)
def test_no_realtime_event_raises_and_what_is_wrong_is_answered(inputs: list[str]) -> None:
    session = RealtimeSession(Events(random.Random(1)), new_session("gpt-realtime-2.1", "s", 1))
    for text in inputs:
        steps = session.receive(text)
        events: list[RecognitionEvent] = []
        for step in steps:
            if isinstance(step, realtime_steps.Say):
                assert orjson.dumps(step.event)
            if isinstance(step, realtime_steps.Ask) and isinstance(step.item, SpeechStopped):
                events.append(Transcript("yes", final=True, end=step.item.at))
        for event in events:
            session.heard(event)
