"""Real calls in real time: a server as people start it, and the simulated phone."""

import json
import math
import random
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import anyio
import pytest

from support.running_agent import RunningAgent
from voice_agent.core.audio import PHONE
from voice_agent.core.errors import PermissionDeniedError
from voice_agent.pipeline.spoken import render
from voice_agent.simulation.call_job import CallOrder, CallOutcome, HangUpSwitch, carry_out
from voice_agent.simulation.caller import HangUp, Manners, Press, Wait
from voice_agent.simulation.report import TurnReport
from voice_agent.simulation.script_file import Plan, PlannedStep, PlayFile, SayText
from voice_agent.simulation.wav import write_wav

pytestmark = pytest.mark.anyio

QUESTION = "where is my order ten forty two"


async def call(
    agent: RunningAgent, *steps: PlannedStep, url: str = "", longest: float = 60.0
) -> CallOutcome:
    manners = Manners(longest=longest)
    order = CallOrder(url or agent.url, Plan(list(steps), manners), agent.token, transcribe=True)
    return await carry_out(order, HangUpSwitch())


def answer_about(outcome: CallOutcome, number: int) -> TurnReport:
    """The turn in which the agent looked this order up."""
    for turn in outcome.report.turns:
        for tool in turn.tools:
            if tool.name == "check_order_status" and tool.arguments["order_id"] == str(number):
                return turn
    raise AssertionError(f"nothing was looked up: {[t.as_dict() for t in outcome.report.turns]}")


@pytest.mark.parametrize("channel", ["phone", "browser"])
async def test_the_status_that_is_stored_is_the_status_that_is_heard(
    agent: RunningAgent, channel: str
) -> None:
    url = agent.voice_socket if channel == "browser" else agent.url
    outcome = await call(agent, SayText(QUESTION), url=url)
    stored = agent.order(1042)
    turn = answer_about(outcome, 1042)
    assert stored["status"] == "shipped"
    assert "1042 has shipped" in turn.agent
    assert not turn.interrupted
    heard = " ".join(outcome.report.extra["agent_transcribed"]).split()
    assert "shipped" in heard
    assert share_of(turn.agent, heard) > 0.6, heard
    assert turn.latency_ms is not None


def share_of(text: str, heard: list[str]) -> float:
    """How many of a text's spoken words another recogniser heard in the recording."""
    words = render(text).spoken.lower().replace(",", "").replace(".", "").split()
    return sum(word in heard for word in words) / len(words)


async def test_talking_over_the_agent_silences_it_within_a_quarter_second(
    agent: RunningAgent,
) -> None:
    outcome = await call(agent, SayText(QUESTION), SayText("no wait a moment", after=1.0))
    (stop,) = (t.barge_in_stop_ms for t in outcome.report.turns if t.barge_in_stop_ms is not None)
    assert stop <= 250
    turn = answer_about(outcome, 1042)
    assert turn.interrupted


async def test_what_is_stored_of_an_interrupted_answer_is_what_had_been_played(
    agent: RunningAgent,
) -> None:
    outcome = await call(agent, SayText(QUESTION), SayText("hello", after=1.6))
    turn = answer_about(outcome, 1042)
    assert turn.interrupted
    record = fetch(agent, f"/api/call-logs/{outcome.phone.call_id}")
    said = [e for e in record["events"] if e["kind"] == "AgentSaid" and e["data"]["interrupted"]]
    speech = next(s for s in outcome.report.heard.agent_speech if s[0] > 3)
    heard = " ".join(outcome.report.extra["agent_transcribed"])
    assert said[0]["data"]["text"] == turn.agent
    assert said[0]["data"]["unheard"]
    # Words come at two to four a second: the stored words fit the seconds that sounded.
    words = len(turn.agent.replace("1042", "ten forty two").split())
    assert abs(words - 2.6 * (speech[1] - speech[0])) <= 2, (turn.agent, speech, heard)


def fetch(agent: RunningAgent, path: str) -> dict[str, Any]:
    with urllib.request.urlopen(agent.url + path) as response:
        answer: dict[str, Any] = json.load(response)
    return answer


async def test_two_callers_at_once_get_their_own_answers(agent: RunningAgent) -> None:
    outcomes: dict[int, CallOutcome] = {}

    async def ask(number: int, text: str) -> None:
        outcomes[number] = await call(agent, SayText(text))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask, 1042, QUESTION)
        tasks.start_soon(ask, 1041, "where is my order ten forty one")
    assert "1042" in answer_about(outcomes[1042], 1042).agent
    assert "1041" in answer_about(outcomes[1041], 1041).agent
    assert outcomes[1042].report.heard.gaps_ms == []


async def test_saying_goodbye_ends_the_call_after_the_goodbye_was_heard(
    agent: RunningAgent,
) -> None:
    plan = Plan([SayText("goodbye")], Manners(longest=40, stay=True))
    outcome = await carry_out(CallOrder(agent.url, plan, agent.token), HangUpSwitch())
    assert outcome.report.disposition == "agent_ended"
    assert not outcome.report.turns[-1].interrupted


async def test_keys_are_an_answer_too(agent: RunningAgent) -> None:
    outcome = await call(agent, SayText("where is my order"), Press("1042#"))
    assert "1042" in answer_about(outcome, 1042).agent


def noise_file(folder: Path, kind: str, seconds: float = 4.0) -> Path:
    """Silence, noise or a chord as a WAV file."""
    import numpy as np

    count = round(seconds * PHONE.rate)
    time = np.arange(count) / PHONE.rate
    chance = np.random.default_rng(1)
    sound = {
        "silence": np.zeros(count),
        "noise": chance.normal(0, 1500, count),
        "music": sum(2500 * np.sin(2 * math.pi * hz * time) for hz in (262, 330, 392, 523)),
    }[kind]
    path = folder / f"{kind}.wav"
    path.write_bytes(write_wav([np.asarray(sound).astype(np.int16)], PHONE.rate))
    return path


async def test_silence_noise_and_music_are_outlasted(agent: RunningAgent, tmp_path: Path) -> None:
    outcomes: dict[str, CallOutcome] = {}

    async def endure(kind: str) -> None:
        sound = noise_file(tmp_path, kind)
        steps: list[PlannedStep] = [PlayFile(sound), PlayFile(sound), Wait(9.0)]
        outcomes[kind] = await call(agent, *steps, longest=40)

    async with anyio.create_task_group() as tasks:
        for kind in ("silence", "noise", "music"):
            tasks.start_soon(endure, kind)
    for kind, outcome in outcomes.items():
        assert outcome.failure == "", kind
        assert outcome.report.heard.longest_silence_ms < 12_000, kind


async def test_hanging_up_at_any_moment_leaves_nothing_behind(agent: RunningAgent) -> None:
    chance = random.Random(7)

    async def leave() -> None:
        moment = chance.uniform(0.0, 6.0)
        await call(agent, SayText(QUESTION, after=0.3), Wait(moment), HangUp(), longest=moment + 2)

    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(leave)
    await anyio.sleep(0.5)
    assert fetch(agent, "/api/active-calls")["calls"] == []


async def test_a_phone_with_the_wrong_token_is_refused(agent: RunningAgent) -> None:
    order = CallOrder(agent.url, Plan([Wait(1.0)]), "somebody else's token")
    with pytest.raises(PermissionDeniedError):
        await carry_out(order, HangUpSwitch())


def test_unsigned_webhooks_are_refused(agent: RunningAgent) -> None:
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(f"{agent.url}/twilio-webhook", data=b"CallSid=CA1")
    with refusal.value:
        assert refusal.value.code == 403


def test_a_name_that_is_not_this_servers_is_refused(agent: RunningAgent) -> None:
    rebound = urllib.request.Request(f"{agent.url}/health", headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(rebound)
    with refusal.value:
        assert refusal.value.code == 400


def test_the_log_has_no_error(agent: RunningAgent) -> None:
    assert "error" not in agent.log()
    assert "Traceback" not in agent.log()
