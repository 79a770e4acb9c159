"""The Twilio media protocol as a pure machine."""

import itertools
import json
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.hostile_messages import mutated
from support.twilio_messages import (
    ACCOUNT,
    CALL,
    FRAME,
    STREAM,
    Json,
    connected,
    dtmf,
    mark,
    media,
    start,
    stop,
    text,
)
from voice_agent.core.audio import PHONE
from voice_agent.core.ports import AudioReceived, KeyReceived, LineClosed, MarkReached
from voice_agent.telephony.twilio.audio_clock import RESYNC_AFTER
from voice_agent.telephony.twilio.media_protocol import (
    MAX_MESSAGE,
    Event,
    MediaProtocol,
    MediaStreamError,
    State,
    StreamConnected,
    StreamStarted,
)

VALID: list[Json] = [
    connected(),
    start(token="t"),
    media(1),
    media(2),
    mark("m1"),
    dtmf("5"),
    stop(),
    media(3, stream="MZother"),
    {"event": "news", "streamSid": STREAM, "more": 1},
]


def streaming() -> MediaProtocol:
    protocol = MediaProtocol()
    protocol.receive(text(connected()))
    protocol.receive(text(start()))
    return protocol


def feed(protocol: MediaProtocol, messages: Iterable[str | bytes | Json]) -> list[Event]:
    """Everything the messages give; malformed ones give nothing."""
    events: list[Event] = []
    for message in messages:
        raw = text(message) if isinstance(message, dict) else message
        try:
            events += protocol.receive(raw)
        except MediaStreamError:
            continue
    return events


def starts(events: Iterable[Event]) -> list[float]:
    return [event.frame.start for event in events if isinstance(event, AudioReceived)]


def test_a_call_from_connected_to_stop() -> None:
    protocol = MediaProtocol()
    events = feed(protocol, [connected(), start(token="t1"), media(1), dtmf("#"), stop()])
    assert events[0] == StreamConnected()
    assert events[1] == StreamStarted(CALL, STREAM, ACCOUNT, {"token": "t1"}, PHONE)
    assert isinstance(events[2], AudioReceived)
    assert events[2].frame.data == FRAME
    assert events[3:] == [KeyReceived("#"), LineClosed(clean=True)]
    assert protocol.closed() == []


def test_what_we_send_is_what_twilio_documents() -> None:
    protocol = streaming()
    sent = [json.loads(m) for m in (protocol.play(b"\xff"), protocol.mark("a"), protocol.clear())]
    assert sent == [
        {"event": "media", "streamSid": STREAM, "media": {"payload": "/w=="}},
        {"event": "mark", "streamSid": STREAM, "mark": {"name": "a"}},
        {"event": "clear", "streamSid": STREAM},
    ]


def test_nothing_is_sent_before_start_or_after_stop() -> None:
    fresh, stopped = MediaProtocol(), streaming()
    stopped.receive(text(stop()))
    for protocol in (fresh, stopped):
        with pytest.raises(MediaStreamError):
            protocol.play(b"\xff")
        with pytest.raises(MediaStreamError):
            protocol.mark("a")
        with pytest.raises(MediaStreamError):
            protocol.clear()


def test_a_mark_that_comes_back_after_a_clear_was_not_heard() -> None:
    protocol = streaming()
    for name in ("a", "b"):
        protocol.mark(name)
    first = protocol.receive(text(mark("a")))
    protocol.clear()
    protocol.mark("c")
    rest = feed(protocol, [mark("b"), mark("c")])
    assert first == [MarkReached("a", heard=True)]
    assert rest == [MarkReached("b", heard=False), MarkReached("c", heard=True)]


def test_a_mark_never_sent_or_echoed_twice_is_ignored() -> None:
    protocol = streaming()
    protocol.mark("a")
    assert feed(protocol, [mark("z"), mark("a"), mark("a")]) == [MarkReached("a", heard=True)]
    assert protocol.counts.ignored == 2


def test_a_name_with_quotes_cannot_break_out_of_its_message() -> None:
    protocol = MediaProtocol()
    evil = 'M"},{"x":"'
    feed(protocol, [connected(), start(stream=evil)])
    assert json.loads(protocol.play(b"\x01"))["streamSid"] == evil
    assert json.loads(protocol.mark('"}'))["mark"] == {"name": '"}'}


def test_another_streams_messages_are_ignored_and_counted() -> None:
    protocol = streaming()
    other = [media(1, stream="MZx"), stop("MZx"), mark("a", "MZx"), dtmf("1", "MZx")]
    assert feed(protocol, other) == []
    assert protocol.counts.wrong_stream == 4
    assert protocol.streaming


def test_the_agents_own_track_is_not_taken_for_the_caller() -> None:
    outbound = media(1)
    outbound["media"]["track"] = "outbound"
    protocol = streaming()
    assert feed(protocol, [outbound]) == []
    assert protocol.counts.ignored == 1


@pytest.mark.parametrize("payload", ["", "A", "AAA", "AA=A", "/w==\n", " /w==", "/w==x", "_-==", 7])
def test_only_strict_base64_is_sound(payload: object) -> None:
    message = media(1)
    message["media"]["payload"] = payload
    protocol = streaming()
    with pytest.raises(MediaStreamError):
        protocol.receive(text(message))
    assert protocol.counts.malformed == 1


@pytest.mark.parametrize("value", [1, "-1", "1.0", "", None, "²", "9" * 30])
def test_numbers_are_digits_in_a_string(value: object) -> None:
    message = media(1)
    message["media"]["timestamp"] = value
    with pytest.raises(MediaStreamError):
        streaming().receive(text(message))


def test_out_of_place_messages_are_errors_and_change_nothing() -> None:
    protocol = MediaProtocol()
    for message in (start(), media(1), mark("a"), dtmf("1"), stop()):
        with pytest.raises(MediaStreamError):
            protocol.receive(text(message))
    assert protocol.state is State.NEW
    protocol = streaming()
    for message in (connected(), start()):
        with pytest.raises(MediaStreamError):
            protocol.receive(text(message))
    assert protocol.streaming


def test_a_message_beyond_the_limit_is_refused() -> None:
    padded = text(media(1)) + " " * MAX_MESSAGE
    with pytest.raises(MediaStreamError):
        streaming().receive(padded)


def test_sound_other_than_eight_kilohertz_mulaw_is_refused() -> None:
    message = start()
    message["start"]["mediaFormat"]["sampleRate"] = 16000
    protocol = MediaProtocol()
    protocol.receive(text(connected()))
    with pytest.raises(MediaStreamError):
        protocol.receive(text(message))


def test_unknown_fields_of_the_format_are_no_harm() -> None:
    message = start()
    message["start"]["mediaFormat"]["bitrate"] = 64
    assert feed(MediaProtocol(), [connected(), message])[1:]


def test_a_vanished_socket_is_an_unclean_end_once() -> None:
    protocol = streaming()
    assert protocol.closed() == [LineClosed(clean=False)]
    assert protocol.closed() == []


def test_wobbling_timestamps_make_continuous_sound() -> None:
    wobbling = [media(i, 20 * (i - 1) + shift) for i, shift in enumerate((5, 0, 11, 3, 14), 1)]
    events = feed(protocol := streaming(), wobbling)
    assert starts(events) == pytest.approx([0.0, 0.02, 0.04, 0.06, 0.08])
    assert protocol.counts.gaps == 0


def test_missing_sound_is_a_gap_in_time() -> None:
    protocol = streaming()
    events = feed(protocol, [media(1), media(5), media(6)])
    assert starts(events) == pytest.approx([0.0, 0.08, 0.1])
    assert protocol.counts.gaps == 1


def test_doubled_and_late_chunks_are_dropped_and_counted() -> None:
    protocol = streaming()
    events = feed(protocol, [media(1), media(2), media(2), media(4), media(3), media(5)])
    assert starts(events) == pytest.approx([0.0, 0.02, 0.06, 0.08])
    assert protocol.counts.late == 2


def test_one_absurd_timestamp_does_not_move_the_clock() -> None:
    absurd = [media(1), media(2, 10**12), media(3), media(4)]
    assert starts(feed(streaming(), absurd)) == pytest.approx([0.0, 0.02, 0.04, 0.06])


def test_a_restarted_sender_is_heard_again_within_half_a_second() -> None:
    protocol = streaming()
    feed(protocol, [media(i) for i in range(1, 200)])
    again = feed(protocol, [media(i) for i in range(1, 100)])
    assert len(starts(again)) == 100 - RESYNC_AFTER
    assert starts(again)[:2] == pytest.approx([199 * 0.02, 200 * 0.02])
    assert protocol.counts.resyncs == 1


def test_a_sender_without_usable_timestamps_is_heard_from_the_start() -> None:
    events = feed(streaming(), [media(i, 0) for i in range(1, 101)])
    assert starts(events) == pytest.approx([i * 0.02 for i in range(100)])


@given(st.text() | st.binary(), st.integers(0, 7))
def test_any_text_or_bytes_gives_events_or_a_protocol_error(raw: str | bytes, given: int) -> None:
    protocol = MediaProtocol()
    feed(protocol, VALID[:given])
    feed(protocol, [raw])


@given(st.lists(mutated(VALID) | st.sampled_from(VALID).map(text), max_size=12))
def test_mutated_messages_never_break_a_later_call(messages: list[str]) -> None:
    protocol = MediaProtocol()
    feed(protocol, [connected(), start()])
    before = protocol.counts.malformed
    events = feed(protocol, messages)
    assert before == 0
    times = starts(events)
    assert times == sorted(times)
    assert sum(isinstance(event, LineClosed) for event in events) <= 1
    if protocol.streaming:
        assert feed(protocol, [dtmf("5")]) == [KeyReceived("5")]


@given(st.integers(1, 5), st.data())
def test_split_and_merged_messages_are_errors_and_the_stream_goes_on(
    cuts: int, data: st.DataObject
) -> None:
    protocol = streaming()
    joined = "".join(text(media(i)) for i in range(1, 4))
    places = sorted(data.draw(st.integers(0, len(joined))) for _ in range(cuts))
    bounds = [0, *places, len(joined)]
    pieces = [joined[a:b] for a, b in itertools.pairwise(bounds)]
    feed(protocol, pieces)
    assert starts(feed(protocol, [media(9)]))


@given(st.lists(st.sampled_from(["mark", "echo", "clear", "oldest"]), max_size=60))
def test_each_mark_is_reported_once_and_heard_only_without_a_clear(steps: list[str]) -> None:
    protocol, pending, number = streaming(), dict[str, bool](), 0
    for step in steps:
        if step == "mark":
            number += 1
            pending[f"m{number}"] = True
            protocol.mark(f"m{number}")
        elif step == "clear":
            pending = dict.fromkeys(pending, False)
            protocol.clear()
        elif pending:
            name = next(iter(pending)) if step == "oldest" else list(pending)[-1]
            heard = pending.pop(name)
            assert feed(protocol, [mark(name)]) == [MarkReached(name, heard=heard)]


@given(
    st.lists(st.tuples(st.integers(0, 400), st.integers(0, 10**14), st.integers(1, 900))),
    st.booleans(),
)
def test_the_audio_clock_never_goes_back(
    frames: list[tuple[int, int, int]], plausible: bool
) -> None:
    events = feed(
        streaming(),
        [media(c, t % 20_000 if plausible else t, b"\xff" * size) for c, t, size in frames],
    )
    ends = 0.0
    for event in events:
        assert isinstance(event, AudioReceived)
        assert event.frame.start >= ends - 1e-9
        ends = event.frame.end
