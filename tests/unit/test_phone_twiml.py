import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.errors import ProtocolError
from voice_agent.simulation.twiml import (
    ConnectStream,
    Hangup,
    Pause,
    Redirect,
    Reject,
    Say,
    Unsupported,
    read_twiml,
)


def test_a_stream_and_its_parameters_are_read() -> None:
    verbs = read_twiml(
        b'<?xml version="1.0" encoding="UTF-8"?><Response><Connect><Stream url="wss://a/b">'
        b'<Parameter name="token" value="x&amp;y"/></Stream></Connect></Response>'
    )
    assert verbs == [ConnectStream("wss://a/b", {"token": "x&y"})]


def test_the_other_verbs_keep_their_order() -> None:
    verbs = read_twiml(
        b"<Response><Say>Hello <emphasis>you</emphasis></Say><Pause length='2'/><Pause/>"
        b"<Redirect method='get'> /next </Redirect><Gather/><Reject reason='busy'/><Hangup/>"
        b"<Connect><ConversationRelay/></Connect></Response>"
    )
    assert verbs == [
        Say("Hello you"),
        Pause(2.0),
        Pause(1.0),
        Redirect("/next", "GET"),
        Unsupported("Gather"),
        Reject("busy"),
        Hangup(),
        Unsupported("Connect with ConversationRelay"),
    ]


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"<Response>",
        b"<html/>",
        b"\xff",
        b" " * 70_000,
        b"<Response><Connect><Stream/></Connect></Response>",
    ],
)
def test_a_document_twilio_would_refuse_is_refused(document: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_twiml(document)


@given(st.binary(max_size=300))
def test_no_document_is_too_odd(document: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_twiml(document)
