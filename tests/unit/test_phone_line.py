import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.ports import ClearAudio, PlayAudio, SendMark
from voice_agent.simulation.phone_line import INVALID, MALFORMED, LineIdentity, PhoneLine

STREAM = "MZ" + "1" * 32


def new_line() -> PhoneLine:
    return PhoneLine(LineIdentity("AC1", "CA1", STREAM), {"token": "t"})


def sent(**message: Any) -> str:
    return json.dumps({"streamSid": STREAM, **message})


def test_a_stream_opens_with_connected_and_start() -> None:
    connected, start = (json.loads(text) for text in new_line().opening())
    assert connected == {"event": "connected", "protocol": "Call", "version": "1.0.0"}
    assert start["sequenceNumber"] == "1"
    assert start["streamSid"] == start["start"]["streamSid"] == STREAM
    assert start["start"] == {
        "accountSid": "AC1",
        "streamSid": STREAM,
        "callSid": "CA1",
        "tracks": ["inbound"],
        "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
        "customParameters": {"token": "t"},
    }


def test_numbers_are_strings_and_one_counter_runs_through_all_messages() -> None:
    line = new_line()
    line.opening()
    messages = [
        line.audio(b"\xff" * 160, 0.0),
        line.audio(b"\x01" * 160, 0.02),
        line.mark("m"),
        line.key("5"),
        line.closing(),
    ]
    decoded = [json.loads(message) for message in messages]
    assert [m["sequenceNumber"] for m in decoded] == ["2", "3", "4", "5", "6"]
    assert all(m["streamSid"] == STREAM for m in decoded)
    assert decoded[1]["media"] == {
        "track": "inbound",
        "chunk": "2",
        "timestamp": "20",
        "payload": b64encode(b"\x01" * 160).decode(),
    }
    assert b64decode(decoded[0]["media"]["payload"]) == b"\xff" * 160
    assert decoded[2]["mark"] == {"name": "m"}
    assert decoded[3]["dtmf"] == {"track": "inbound_track", "digit": "5"}
    assert decoded[4]["stop"] == {"accountSid": "AC1", "callSid": "CA1"}


def test_the_agents_three_messages_are_understood() -> None:
    line = new_line()
    payload = b64encode(bytes(500)).decode()
    assert line.receive(sent(event="media", media={"payload": payload})) == PlayAudio(bytes(500))
    assert line.receive(sent(event="mark", mark={"name": "x"})) == SendMark("x")
    assert line.receive(sent(event="clear")) == ClearAudio()
    assert not line.errors


@pytest.mark.parametrize(
    ("message", "number"),
    [
        (b'{"event":"clear"}', MALFORMED),
        ("", MALFORMED),
        ("{", MALFORMED),
        ("[" * 100_000, MALFORMED),
        ("[]", INVALID),
        ("null", INVALID),
        (sent(), INVALID),
        (sent(event="stop"), INVALID),
        (sent(event=["media"]), INVALID),
        (json.dumps({"event": "clear"}), INVALID),
        (json.dumps({"event": "clear", "streamSid": "MZ2"}), INVALID),
        (sent(event="media"), INVALID),
        (sent(event="media", media=[]), INVALID),
        (sent(event="media", media={"payload": 5}), INVALID),
        (sent(event="media", media={"payload": "a"}), INVALID),
        (sent(event="media", media={"payload": "é§"}), INVALID),
        (sent(event="media", media={"payload": "AA==\n"}), INVALID),
        (sent(event="mark"), INVALID),
        (sent(event="mark", mark={"name": 7}), INVALID),
    ],
)
def test_what_twilio_would_drop_is_dropped_and_counted(message: str | bytes, number: int) -> None:
    line = new_line()
    assert line.receive(message) is None
    assert line.errors == {number: 1}
    assert str(number) in line.explanations[0]


@given(st.one_of(st.text(), st.binary(), st.recursive(st.none() | st.text(), st.lists).map(str)))
def test_no_message_is_too_odd(message: str | bytes) -> None:
    line = new_line()
    line.receive(message)
    assert sum(line.errors.values()) <= 1


def test_only_the_first_dropped_messages_are_explained() -> None:
    line = new_line()
    for _ in range(50):
        line.receive("no")
    assert line.errors == {MALFORMED: 50}
    assert len(line.explanations) == 3
