"""What an operator can order of the simulated providers, and how he is told that he cannot."""

import json
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from support.provider_requests import bearer, visiting
from support.simulated_providers import desk
from voice_agent.cli import app
from voice_agent.core.errors import ConfigurationError
from voice_agent.simulation.providers.desk import Simulator, Timing
from voice_agent.simulation.providers.environment import (
    ENGINE_OPTIONS,
    environment,
    export_lines,
)
from voice_agent.simulation.providers.faults import Fault, FaultKind
from voice_agent.simulation.providers.orders import read_faults, read_timings, timings_from
from voice_agent.simulation.providers.server import provider_app, simulators

KNOWN = ("openai", "rasa")


def test_faults_are_read_in_order() -> None:
    text = """
    [[fault]]
    provider = "openai"
    kind = "stall"
    after = 3
    [[fault]]
    provider = "rasa"
    kind = "throttle"
    times = 2
    """
    assert read_faults(text, KNOWN) == [
        Fault(provider="openai", kind=FaultKind.STALL, after=3),
        Fault(provider="rasa", kind=FaultKind.THROTTLE, times=2),
    ]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[[fault", "no TOML"),
        ("[[faults]]", "'faults' is unknown"),
        ("[fault]", "two brackets"),
        ('[[fault]]\nprovider = "openai"', "fault 1: kind"),
        ('[[fault]]\nprovider = "openai"\nkind = "slow"', "fault 1: kind"),
        ('[[fault]]\nprovider = "opanai"\nkind = "cut"', "there are: openai, rasa"),
        ('[[fault]]\nprovider = "openai"\nkind = "cut"\nafter = -1', "fault 1: after"),
    ],
)
def test_a_wrong_file_of_faults_is_told_apart(text: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        read_faults(text, KNOWN)


def test_delays_come_from_words_and_files_and_the_last_one_wins(tmp_path: Path) -> None:
    file = tmp_path / "delays.toml"
    file.write_text("[openai]\nfirst = 0.5\n[rasa]\nfirst = 0.1\njitter = 0.05\n")
    assert timings_from([str(file), "openai=0.3,0.02"], KNOWN) == {
        "openai": Timing(first=0.3, between=0.02),
        "rasa": Timing(first=0.1, jitter=0.05),
    }


@pytest.mark.parametrize(
    ("word", "complaint"),
    [
        ("openai=fast", "first"),
        ("openai=1,2,3,4", "first,between,jitter"),
        ("openai=-1", "first"),
        ("opanai=1", "there are"),
        ("nowhere.toml", "cannot be read"),
    ],
)
def test_wrong_delays_are_told_apart(word: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        timings_from([word], KNOWN)


def test_unknown_delays_in_a_file_are_told_apart() -> None:
    with pytest.raises(ConfigurationError, match="slowly"):
        read_timings("[openai]\nslowly = 1\n", KNOWN)


def test_the_environment_points_every_hosted_engine_at_its_simulator() -> None:
    variables = environment(simulators(), "http://127.0.0.1:9100")
    options = json.loads(variables[ENGINE_OPTIONS])
    assert options["llm.openai"] == {
        "base_url": "http://127.0.0.1:9100/openai/v1",
        "api_key": "simulated-key",
    }
    assert options["llm.gemini"]["base_url"] == "http://127.0.0.1:9100/gemini"
    assert variables["VOICE_AGENT_TWILIO_AUTH_TOKEN"] == "simulated-key"


def test_the_printed_lines_survive_a_shell() -> None:
    simulator = Simulator("x", "", lambda _: (), {"A": "it's {base}", "llm.x.base_url": "{base}"})
    lines = export_lines(environment({"x": simulator}, "http://h"))
    assert lines == [
        """export VOICE_AGENT_ENGINE_OPTIONS='{"llm.x": {"base_url": "http://h/x"}}'""",
        """export A='it'"'"'s http://h/x'""",
    ]


def test_a_wrong_file_ends_the_command_with_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "faults.toml"
    file.write_text('[[fault]]\nprovider = "opanai"\nkind = "cut"')
    result = CliRunner().invoke(app, ["simulate", "providers", "--faults", str(file)])
    assert isinstance(result.exception, ConfigurationError)
    assert "opanai" in str(result.exception)


@pytest.mark.anyio
async def test_faults_are_ordered_and_taken_back_from_outside() -> None:
    order = [{"provider": "openai", "kind": "throttle", "retry_after": 2}]
    simulated = desk()
    async with visiting("openai", bearer(), simulated) as client:
        control = httpx2.URL("http://simulated/_control/faults")
        assert (await client.post(control, json=order)).status_code == 201
        throttled = await client.get("/v1/models")
        assert (await client.delete(control)).status_code == 204
        allowed = await client.get("/v1/models")
    assert (throttled.status_code, throttled.headers["retry-after"]) == (429, "2")
    assert allowed.status_code == 200


@pytest.mark.anyio
@pytest.mark.parametrize(
    "order", [b"{", b"{}", b'[{"provider": "x", "kind": "cut"}]', b'[{"provider": "openai"}]']
)
async def test_orders_that_make_no_sense_are_refused(order: bytes) -> None:
    async with visiting("_control", {}) as client:
        assert (await client.post("/faults", content=order)).status_code == 422


@pytest.mark.anyio
async def test_the_journal_can_be_read_from_outside_without_the_keys() -> None:
    app_ = provider_app(desk())
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=app_), base_url="http://simulated"
    ) as client:
        await client.get("/openai/v1/models", headers=bearer("sk-secret"))
        await client.post("/rasa/model/parse?token=sk-secret", json={"text": "hi"})
        everything = await client.get("/_control/journal")
        one = await client.get("/_control/journal?provider=rasa")
    assert [seen["provider"] for seen in everything.json()] == ["openai", "rasa"]
    assert [seen["body"] for seen in one.json()] == [{"text": "hi"}]
    assert "sk-secret" not in everything.text
