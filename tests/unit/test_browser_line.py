import json

import pytest

from voice_agent.core.ports import ClearAudio, PlayAudio, SendMark
from voice_agent.simulation.browser_line import BrowserLine


def test_a_browser_speaks_its_protocol() -> None:
    line = BrowserLine()
    assert [json.loads(m) for m in line.opening()] == [{"type": "hello", "version": 1}]
    assert line.audio(b"\x01\x02", 0.0) == b"\x01\x02"
    assert json.loads(line.mark("a")) == {"type": "played", "mark": "a"}
    assert json.loads(line.key("5")) == {"type": "key", "digit": "5"}
    assert json.loads(line.closing()) == {"type": "hangup"}


def test_the_servers_messages_are_understood() -> None:
    line = BrowserLine()
    assert line.receive(bytes(640)) == PlayAudio(bytes(640))
    assert line.receive('{"type":"mark","name":"m"}') == SendMark("m")
    assert line.receive('{"type":"clear"}') == ClearAudio()
    assert line.receive('{"type":"ready","call_id":"c1","format":{}}') is None
    assert line.receive('{"type":"event","kind":"CallerSaid"}') is None
    assert line.receive('{"type":"ended","disposition":"agent_ended"}') is None
    assert line.receive('{"type":"error","code":"protocol","detail":"no"}') is None
    assert (line.call_id, line.disposition, line.trouble) == ("c1", "agent_ended", "protocol: no")
    assert not line.errors


@pytest.mark.parametrize(
    "message", [b"\x01", "", "[]", "{}", '{"type":"mark"}', '{"type":"mark","name":1}', '"clear"']
)
def test_anything_else_is_dropped_and_counted(message: str | bytes) -> None:
    line = BrowserLine()
    assert line.receive(message) is None
    assert sum(line.errors.values()) == 1
