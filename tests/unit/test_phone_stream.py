"""A handset on an in-memory socket, ticked on virtual time against an agent task."""

import json
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import anyio
import pytest
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close

from support.echo_agent import tone
from voice_agent.core.audio import PHONE
from voice_agent.core.errors import ConfigurationError
from voice_agent.core.mailbox import Mailbox
from voice_agent.simulation.browser_line import BrowserLine
from voice_agent.simulation.caller import CallerScript, HangUp, Manners, Press, Step, Utter
from voice_agent.simulation.handset import Handset, Message
from voice_agent.simulation.phone_line import LineIdentity, PhoneLine
from voice_agent.simulation.socket_loop import EndedBy, StreamEnd, run_stream
from voice_agent.simulation.virtual_time import run_virtual

IDENTITY = LineIdentity("AC1", "CA1", "MZ1")


class Wire:
    """Both ends of a socket in memory: `run_stream` holds one, the agent the other."""

    def __init__(self) -> None:
        self.close_code: int | None = None
        self.close_reason: str | None = ""
        self.sent: list[tuple[float, dict[str, Any]]] = []
        self._incoming: Mailbox[Message | None] = Mailbox(10_000)
        self.arrived: Mailbox[dict[str, Any]] = Mailbox(10_000)

    async def send(self, message: Message) -> None:
        if self.close_code is not None:
            raise ConnectionClosedError(Close(self.close_code, ""), None)
        event = json.loads(message)
        self.sent.append((anyio.current_time(), event))
        self.arrived.put(event)

    async def close(self) -> None:
        self.close_code = self.close_code or 1000

    async def __aiter__(self) -> AsyncIterator[Message]:
        while (message := await self._incoming.get()) is not None:
            yield message
        if self.close_code not in (1000, None):
            raise ConnectionClosedError(Close(self.close_code, ""), None)

    def hang_up(self, code: int) -> None:
        self.close_code = code
        self._incoming.put(None)

    def say(self, sound: bytes, mark: str = "") -> None:
        payload = b64encode(sound).decode()
        self._put(event="media", media={"payload": payload})
        if mark:
            self._put(event="mark", mark={"name": mark})

    def clear(self) -> None:
        self._put(event="clear")

    def _put(self, **message: Any) -> None:
        self._incoming.put(json.dumps({"streamSid": "MZ1", **message}))

    def of(self, event: str) -> list[tuple[float, dict[str, Any]]]:
        return [(at, message) for at, message in self.sent if message["event"] == event]


Agent = Callable[[Wire], Coroutine[Any, Any, None]]


def a_stream(steps: list[Step], agent: Agent, **manners: Any) -> tuple[Wire, Handset, StreamEnd]:
    async def main() -> tuple[Wire, Handset, StreamEnd]:
        wire, line = Wire(), PhoneLine(IDENTITY, {})
        handset = Handset(CallerScript(steps, PHONE, Manners(**manners)), PHONE)
        handset.connect(line)
        async with anyio.create_task_group() as group:
            group.start_soon(agent, wire)
            end = await run_stream(wire, handset, line.opening(), line.closing)
            group.cancel_scope.cancel()
        return wire, handset, end

    return run_virtual(main)


async def greeting(wire: Wire) -> None:
    await anyio.sleep(0.1)
    wire.say(tone(1.0), "greeted")


async def silence(wire: Wire) -> None:
    del wire


def test_frames_leave_every_20_ms_on_the_dot() -> None:
    wire, _, _ = a_stream([], greeting)
    moments = [at for at, _ in wire.of("media")]
    assert moments == pytest.approx([0.02 * (n + 1) for n in range(len(moments))])
    assert [m["media"]["timestamp"] for _, m in wire.of("media")[:3]] == ["0", "20", "40"]


def test_sequence_numbers_follow_the_order_of_sending() -> None:
    async def agent(wire: Wire) -> None:
        await greeting(wire)
        await anyio.sleep(0.31)
        wire.say(b"", "behind")
        wire.clear()
        wire.say(tone(0.05), "last")

    wire, _, _ = a_stream([Press("12")], agent)
    numbers = [int(m["sequenceNumber"]) for _, m in wire.sent if m["event"] != "connected"]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_mark_returns_when_what_was_before_it_has_sounded() -> None:
    wire, _, _ = a_stream([], greeting)
    ((at, message),) = wire.of("mark")
    assert message["mark"] == {"name": "greeted"}
    assert at == pytest.approx(1.12, abs=0.021)


def test_a_clear_silences_the_phone_and_returns_the_marks_in_order() -> None:
    async def agent(wire: Wire) -> None:
        wire.say(tone(1.0), "a")
        wire.say(tone(1.0), "b")
        await anyio.sleep(0.51)
        wire.clear()

    wire, handset, _ = a_stream([], agent)
    assert [m["mark"]["name"] for _, m in wire.of("mark")] == ["a", "b"]
    assert [at for at, _ in wire.of("mark")] == pytest.approx([0.51, 0.51])
    ((start, end),) = handset.recording.played
    assert end - start == pytest.approx(0.52 * 8000, abs=160)
    assert handset.recording.cleared == [pytest.approx(0.52 * 8000)]


def test_what_the_caller_said_arrives_unchanged() -> None:
    sound = tone(1.0)
    wire, handset, _ = a_stream([Utter(sound)], greeting)
    received = b"".join(b64decode(m["media"]["payload"]) for _, m in wire.of("media"))
    assert received == b"".join(handset.recording.caller)
    assert sound in received
    assert received.replace(sound, b"").strip(b"\xff") == b""


def test_both_tracks_have_the_same_length() -> None:
    _, handset, _ = a_stream([Utter(tone(0.77))], greeting)
    recording = handset.recording
    assert len(recording.caller_samples) == len(recording.agent_samples)


def test_the_caller_who_hangs_up_says_stop() -> None:
    wire, _, end = a_stream([Utter(tone(0.5)), HangUp()], greeting)
    assert end.by is EndedBy.CALLER
    assert wire.sent[-1][1]["event"] == "stop"
    assert wire.close_code == 1000


def test_an_agent_who_closes_the_line_ended_the_call() -> None:
    async def agent(wire: Wire) -> None:
        await greeting(wire)
        await anyio.sleep(2)
        wire.hang_up(1000)

    wire, handset, end = a_stream([], agent, stay=True)
    assert end.by is EndedBy.AGENT
    assert not wire.of("stop")
    assert handset.now == pytest.approx(2.1, abs=0.05)


def test_a_line_that_vanishes_is_lost() -> None:
    async def agent(wire: Wire) -> None:
        await anyio.sleep(1)
        wire.hang_up(1006)

    _, _, end = a_stream([], agent, stay=True)
    assert (end.by, end.code) == (EndedBy.LOST, 1006)


def test_a_reply_is_answered_and_interrupted_as_the_script_says() -> None:
    async def agent(wire: Wire) -> None:
        await greeting(wire)
        await anyio.sleep(3.9)
        wire.say(tone(5.0), "reply")
        await anyio.sleep(1.2)
        wire.clear()

    steps: list[Step] = [Utter(tone(1.0), "first"), Utter(tone(1.0), "second", after=1.0)]
    _, handset, _ = a_stream(steps, agent, answer_timeout=4.0)
    first, second = handset._caller.utterances  # type: ignore[attr-defined]
    assert first.start == pytest.approx(1.7, abs=0.05)
    assert (second.start, second.barged_in) == (pytest.approx(5.0, abs=0.05), True)


def test_nobody_waits_for_ever() -> None:
    _, handset, end = a_stream([Utter(tone(0.5))], silence, answer_timeout=30.0, longest=20.0)
    assert end.by is EndedBy.CALLER
    assert handset.now == pytest.approx(20.0, abs=0.05)


def test_a_phone_cannot_use_a_browsers_line() -> None:
    with pytest.raises(ConfigurationError):
        Handset(CallerScript([], PHONE, Manners()), PHONE).connect(BrowserLine())
