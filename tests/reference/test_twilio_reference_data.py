"""Public reference data about Twilio, read in place; see conftest.py beside this file."""

import json
import os
from pathlib import Path

from voice_agent.core.ports import AudioReceived, KeyReceived, LineClosed, MarkReached
from voice_agent.telephony.twilio.media_protocol import Event, MediaProtocol, StreamStarted
from voice_agent.telephony.twilio.signature import Parameters, is_signed

FOLDER = Path(os.environ.get("VOICE_AGENT_SHARED_DATA", "")) / "telephony"


def vectors() -> list[dict[str, object]]:
    text = (FOLDER / "twilio_signature_vectors.json").read_text()
    loaded: list[dict[str, object]] = json.loads(text)
    return loaded


def test_known_answers_are_given_as_known() -> None:
    for vector in vectors():
        params = vector["params"]
        body: Parameters | str
        if isinstance(params, str):
            body = params
        elif isinstance(params, dict):
            body = list(params.items())
        else:
            assert isinstance(params, list)
            body = [(name, value) for name, value in params]
        answer = is_signed(
            str(vector["auth_token"]), str(vector["url"]), body, str(vector["signature"])
        )
        assert answer is vector["valid"], vector["name"]


def test_a_recorded_stream_is_replayed_whole() -> None:
    lines = (FOLDER / "twilio_media_stream_call.jsonl").read_text().splitlines()
    protocol = MediaProtocol()
    events: list[Event] = []
    for line in lines:
        events += protocol.receive(line)
        if isinstance(events[-1], StreamStarted):
            protocol.mark("greeting-end")
    assert isinstance(events[-1], LineClosed)
    assert sum(isinstance(e, AudioReceived) for e in events) == sum(
        '"media"' in line and "payload" in line for line in lines
    )
    assert [e.digit for e in events if isinstance(e, KeyReceived)] == ["1", "*", "#"]
    assert MarkReached("greeting-end", heard=True) in events
    assert protocol.counts.malformed == protocol.counts.gaps == protocol.counts.late == 0
