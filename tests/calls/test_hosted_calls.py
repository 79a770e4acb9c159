"""Calls through every hosted engine, simulated, on good days and on bad ones."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.hosted_agent import hold, hosted_agent
from voice_agent.simulation.drill import (
    AILMENTS,
    EMBEDDED,
    PATIENTS,
    QUESTION,
    Patient,
    fault_of,
    judge,
    settings_for,
)
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.running import embedded_desk, serving

pytestmark = pytest.mark.anyio

BY_NAME = {patient.name: patient for patient in PATIENTS}


@pytest.fixture
async def simulated() -> AsyncIterator[tuple[Desk, str]]:
    async with embedded_desk() as desk, serving(desk) as base:
        yield desk, base


@pytest.mark.parametrize(
    "names",
    [
        ("deepgram nova", "openai", "elevenlabs"),
        ("deepgram flux", "anthropic", "cartesia"),
        ("deepgram nova", "gemini", "elevenlabs"),
    ],
    ids=" + ".join,
)
async def test_a_call_is_heard_thought_and_spoken_by_hosted_engines(
    simulated: tuple[Desk, str], tmp_path: Path, names: tuple[str, ...]
) -> None:
    _, base = simulated
    chosen = [BY_NAME[name] for name in names]
    engines = {**EMBEDDED, **{one.role: [one.engine, *EMBEDDED[one.role]] for one in chosen}}
    options = {f"{one.role}.{one.engine}": one.options_at(base) for one in chosen}
    async with hosted_agent(tmp_path, engines, options) as agent:
        call = await hold(agent, QUESTION)
    verdict = judge(call.outcome, call.record["events"])
    assert verdict.completed, call.record["transcript"]
    assert verdict.switched == ()
    assert {role: call.engines[role] for role in ("stt", "llm", "tts")} == {
        one.role: one.engine for one in chosen
    }
    used = {event["provider"] for event in call.events("EngineUsed")}
    assert used == {one.engine for one in chosen}
    priced = [event["usd"] for event in call.events("EngineUsed") if event["usd"] is not None]
    turns = sum(turn["cost_usd"] for turn in call.record["turns"])
    assert abs(call.record["cost_usd"] - sum(priced)) < 1e-6
    assert abs(call.record["cost_usd"] - turns) < 1e-6


@pytest.mark.parametrize("channel", ["phone", "browser"])
async def test_a_speech_to_speech_model_leads_a_call_with_the_same_tools(
    simulated: tuple[Desk, str], tmp_path: Path, channel: str
) -> None:
    _, base = simulated
    settings = settings_for(BY_NAME["openai realtime"], base)
    options = settings.pop("engine_options")
    async with hosted_agent(tmp_path, settings, options) as agent:
        url = agent.voice_socket if channel == "browser" else agent.url
        call = await hold(agent, QUESTION, url=url)
    verdict = judge(call.outcome, call.record["events"])
    assert verdict.completed, call.record["transcript"]
    assert "openai" in {event["provider"] for event in call.events("EngineUsed")}


@pytest.mark.parametrize(
    ("name", "ailment"),
    [
        ("deepgram nova", "reset in mid-stream"),
        ("anthropic", "clean end without its terminal event"),
        ("cartesia", "stall"),
        ("openai realtime", "reset in mid-stream"),
    ],
)
async def test_a_provider_that_fails_in_mid_call_costs_the_caller_neither_words_nor_a_long_wait(
    simulated: tuple[Desk, str], tmp_path: Path, name: str, ailment: str
) -> None:
    desk, base = simulated
    patient: Patient = BY_NAME[name]
    assert AILMENTS[ailment] is not None
    fault = fault_of(patient, ailment)
    assert fault is not None
    desk.faults.order(fault)
    settings = settings_for(patient, base)
    options = settings.pop("engine_options")
    async with hosted_agent(tmp_path, settings, options) as agent:
        call = await hold(agent, QUESTION)
    verdict = judge(call.outcome, call.record["events"])
    problems = [p for p in verdict.faults() if "ms of silence" not in p]
    assert not problems, call.record["events"]
    assert verdict.longest_silence_ms < 4000
