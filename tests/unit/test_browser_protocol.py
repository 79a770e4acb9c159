"""The browser's voice protocol and what a page is shown."""

import json
from collections.abc import Iterable
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.hostile_messages import mutated
from voice_agent.core.call import Disposition
from voice_agent.core.events import AgentSaid, AgentSaying, CallerHeard, CallEvent, ToolFinished
from voice_agent.core.ports import AudioReceived, KeyReceived, LineClosed, MarkReached
from voice_agent.transports.browser_protocol import (
    MAX_MESSAGE,
    BrowserMessageError,
    BrowserProtocol,
    Event,
    HelloReceived,
    State,
    ended,
    error,
    event,
    ready,
)
from voice_agent.transports.outbox import Outbox

Json = dict[str, Any]

HELLO: Json = {"type": "hello", "version": 1}
VALID: list[Json] = [
    HELLO,
    {"type": "played", "mark": "m1"},
    {"type": "key", "digit": "5"},
    {"type": "hangup"},
    {"type": "news", "x": [1, {}]},
]


def opened() -> BrowserProtocol:
    protocol = BrowserProtocol()
    assert feed(protocol, [HELLO]) == [HelloReceived()]
    return protocol


def feed(protocol: BrowserProtocol, messages: Iterable[str | bytes | Json]) -> list[Event]:
    """Everything the messages give; malformed ones give nothing."""
    events: list[Event] = []
    for message in messages:
        raw = json.dumps(message) if isinstance(message, dict) else message
        try:
            events += protocol.receive(raw)
        except BrowserMessageError:
            continue
    return events


def test_a_call_from_hello_to_hangup() -> None:
    events = feed(BrowserProtocol(), [HELLO, b"\x00" * 640, VALID[2], VALID[3], b"\x00\x00"])
    assert events[0] == HelloReceived()
    assert isinstance(events[1], AudioReceived)
    assert events[2:] == [KeyReceived("5"), LineClosed(clean=True)]


def test_sound_is_placed_by_what_came_before() -> None:
    events = feed(opened(), [b"\x00" * 640, b"\x00" * 2, b"\x00" * 320])
    starts = [e.frame.start for e in events if isinstance(e, AudioReceived)]
    assert starts == pytest.approx([0.0, 0.02, 0.0200625])


@pytest.mark.parametrize("data", [b"", b"\x00", b"\x00" * 641, b"\x00" * (MAX_MESSAGE + 2)])
def test_sound_is_whole_samples_within_the_limit(data: bytes) -> None:
    protocol = opened()
    with pytest.raises(BrowserMessageError):
        protocol.receive(data)
    assert protocol.malformed == 1


def test_the_largest_allowed_sound_is_taken() -> None:
    assert len(feed(opened(), [b"\x00" * MAX_MESSAGE])) == 1


@pytest.mark.parametrize("version", [True, 2, "1", None, 1.5, [], {}])
def test_only_our_version_is_greeted(version: object) -> None:
    protocol = BrowserProtocol()
    assert feed(protocol, [{"type": "hello", "version": version}]) == []
    assert protocol.state is State.GREETING


def test_nothing_counts_before_hello_and_hello_counts_once() -> None:
    protocol = BrowserProtocol()
    assert feed(protocol, [b"\x00\x00", *VALID[1:4]]) == []
    assert protocol.malformed == 4
    assert feed(protocol, [HELLO, HELLO]) == [HelloReceived()]


def test_a_played_mark_was_heard_once() -> None:
    protocol = opened()
    assert json.loads(protocol.mark("m1")) == {"type": "mark", "name": "m1"}
    assert feed(protocol, [VALID[1], VALID[1]]) == [MarkReached("m1", heard=True)]
    assert protocol.ignored == 1


def test_marks_dropped_by_a_clear_are_told_as_not_heard() -> None:
    protocol = opened()
    for name in ("m0", "m1"):
        protocol.mark(name)
    text, dropped = protocol.clear()
    assert json.loads(text) == {"type": "clear"}
    assert dropped == [MarkReached("m0", heard=False), MarkReached("m1", heard=False)]
    assert feed(protocol, [VALID[1]]) == []
    protocol.mark("m1")
    assert feed(protocol, [VALID[1]]) == [MarkReached("m1", heard=True)]


def test_a_vanished_page_is_an_unclean_end_once() -> None:
    protocol = opened()
    assert protocol.closed() == [LineClosed(clean=False)]
    assert protocol.closed() == []


def test_what_the_page_is_sent() -> None:
    said = CallEvent("c", 3, 1.23456, 2, AgentSaid("Hi", interrupted=True))
    assert [json.loads(text) for text in (ready("c"), event(said), error("protocol", "no"))] == [
        {"type": "ready", "call_id": "c", "format": {"encoding": "pcm16", "rate": 16000}},
        {
            "type": "event",
            "call_id": "c",
            "seq": 3,
            "at": 1.2346,
            "turn": 2,
            "kind": "AgentSaid",
            "data": {"text": "Hi", "interrupted": True, "unheard": ""},
        },
        {"type": "error", "code": "protocol", "detail": "no"},
    ]
    assert json.loads(ended(Disposition.AGENT_ENDED))["disposition"] == "agent_ended"


def test_an_event_with_odd_values_can_still_be_shown() -> None:
    odd = ToolFinished("t", "look", ok=True, duration_ms=1.0, result={"day": date(2026, 1, 2)})
    assert '"2026-01-02"' in event(CallEvent("c", 1, 0.0, 1, odd))


@given(st.text() | st.binary(), st.integers(0, 5))
def test_any_text_or_bytes_gives_events_or_a_protocol_error(raw: str | bytes, given: int) -> None:
    protocol = BrowserProtocol()
    feed(protocol, VALID[:given])
    feed(protocol, [raw])


@given(st.lists(mutated(VALID) | st.binary(max_size=9) | st.just("clear"), max_size=20))
def test_mutated_messages_never_break_an_open_connection(messages: list[str | bytes]) -> None:
    protocol = opened()
    protocol.mark("m1")
    for message in messages:
        if message == "clear":
            protocol.clear()
        else:
            feed(protocol, [message])
    if protocol.state is State.OPEN:
        assert feed(protocol, [VALID[2]]) == [KeyReceived("5")]


def shown(number: int, *, interim: bool) -> CallEvent:
    text = str(number)
    return CallEvent("c", number, 0.0, 1, CallerHeard(text) if interim else AgentSaid(text))


def test_a_full_outbox_loses_interim_events_first() -> None:
    outbox = Outbox(3)
    for number, interim in enumerate([False, True, False, False, False]):
        outbox.put(shown(number, interim=interim))
    assert [outbox.take(), outbox.take(), outbox.take()] == [
        shown(number, interim=False) for number in (2, 3, 4)
    ]
    assert outbox.dropped == 2
    assert outbox.take() is None


@given(st.lists(st.booleans(), max_size=40), st.integers(1, 6))
def test_an_outbox_keeps_its_bound_and_order(kinds: list[bool], capacity: int) -> None:
    outbox = Outbox(capacity)
    for number, interim in enumerate(kinds):
        outbox.put(shown(number, interim=interim))
        assert len(outbox) <= capacity
    left = [outbox.take() for _ in range(len(outbox))]
    numbers = [happened.seq for happened in left if happened]
    assert numbers == sorted(numbers)
    assert len(numbers) + outbox.dropped == len(kinds)
    finals = kinds.count(False)
    kept = sum(happened is not None and happened.kind == "AgentSaid" for happened in left)
    assert kept == min(finals, capacity)


def test_an_interim_clause_goes_before_what_was_said() -> None:
    outbox = Outbox(1)
    outbox.put(CallEvent("c", 0, 0.0, 1, AgentSaying("Hi")))
    outbox.put(shown(1, interim=False))
    assert outbox.take() == shown(1, interim=False)


def test_a_page_that_is_left_hangs_up_cleanly() -> None:
    assert BrowserProtocol().closed(left=True) == [LineClosed(clean=True)]
