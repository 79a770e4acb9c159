"""The simulated phone against a real server on this machine, in real time."""

import io
import json
import sys
import wave
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from support.echo_agent import TOKEN, EchoAgent, serving, tone
from voice_agent.cli_call import call
from voice_agent.core.audio import WIDEBAND, Encoding, decode
from voice_agent.core.errors import PermissionDeniedError, ProtocolError, TransportClosed
from voice_agent.simulation.call_job import CallOrder, CallOutcome, HangUpSwitch, carry_out
from voice_agent.simulation.caller import Manners
from voice_agent.simulation.script_file import Plan, PlayFile
from voice_agent.simulation.wav import write_wav

pytestmark = pytest.mark.anyio
QUICK = Manners(patience=0.2, farewell=0.2, answer_timeout=3.0, longest=10.0)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    path = tmp_path / "caller.wav"
    path.write_bytes(write_wav([decode(tone(0.6, hz=300), Encoding.MULAW)], 8000))
    return path


async def test_an_echo_is_heard_recorded_and_measured(recording: Path) -> None:
    agent = EchoAgent()
    async with serving(agent) as url:
        order = CallOrder(url, Plan([PlayFile(recording)], QUICK), TOKEN)
        outcome = await carry_out(order, HangUpSwitch())
    heard = outcome.report.heard
    assert len(heard.agent_speech) == 2
    assert (heard.utterances[0].latency_ms or 0) > 250
    assert outcome.report.disposition == "caller_hung_up"
    assert [e["event"] for e in agent.events[:2]] == ["connected", "start"]
    assert agent.events[1]["start"]["customParameters"] == {"token": "t1"}
    assert agent.events[-1]["event"] == "stop"
    assert [e["mark"]["name"] for e in agent.events if e["event"] == "mark"] == ["greeting", "echo"]
    stereo_of(outcome)


def stereo_of(outcome: CallOutcome) -> None:
    with wave.open(io.BytesIO(outcome.stereo_wav())) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (2, 8000, 2)
        tracks = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    caller, agent = tracks[:, 0], tracks[:, 1]
    spoken = np.flatnonzero(caller)
    echoed = np.flatnonzero(agent)
    assert spoken[-1] < echoed[-1]
    said = caller[spoken[0] : spoken[-1] + 1]
    assert said.tobytes() in agent.tobytes()


async def test_the_form_is_twilios_blank_values_included(recording: Path) -> None:
    agent = EchoAgent("<Reject reason='busy'/>")
    async with serving(agent) as url:
        with pytest.raises(TransportClosed, match="rejected: busy"):
            await carry_out(CallOrder(url, Plan([PlayFile(recording)]), TOKEN), HangUpSwitch())
    (form,) = agent.forms
    assert form["CallSid"].startswith("CA")
    assert form["CallStatus"] == "ringing"
    assert form["Direction"] == "inbound"
    assert form["FromCity"] == ""
    assert form["From"] == form["Caller"]


@pytest.mark.parametrize(
    ("twiml", "token", "error", "said"),
    [
        ("", "wrong", PermissionDeniedError, "--auth-token"),
        ("<Hangup/>", TOKEN, TransportClosed, "without connecting"),
        ("<Redirect>/twilio-webhook</Redirect>", TOKEN, ProtocolError, "redirects more than"),
        ("<Connect><Stream url='http://x'/></Connect>", TOKEN, ProtocolError, "wss://"),
        (
            "<Connect><Stream url='ws://127.0.0.1:1/x'/></Connect>",
            TOKEN,
            TransportClosed,
            "127.0.0.1:1",
        ),
    ],
)
async def test_a_call_that_fails_says_why(
    recording: Path, twiml: str, token: str, error: type[Exception], said: str
) -> None:
    async with serving(EchoAgent(twiml)) as url:
        with pytest.raises(error, match=said):
            await carry_out(CallOrder(url, Plan([PlayFile(recording)]), token), HangUpSwitch())


async def test_the_browsers_socket_carries_the_same_caller(recording: Path) -> None:
    agent = EchoAgent()
    async with serving(agent) as url:
        socket = url.replace("http://", "ws://") + "/ws/voice"
        manners = replace(QUICK, answer_timeout=1.0)
        order = CallOrder(socket, Plan([PlayFile(recording)], manners))
        outcome = await carry_out(order, HangUpSwitch())
    assert outcome.report.call_sid == "b1"
    assert outcome.report.disposition == "caller_hung_up"
    assert [e["event"] for e in agent.events] == ["hello", "played", "hangup", "stop"]
    assert outcome.phone.recording.format == WIDEBAND
    spoken = b"".join(outcome.phone.recording.caller)
    assert spoken[: len(agent.sound)] == agent.sound
    assert len(outcome.report.heard.agent_speech) == 1
    assert any("did not answer" in warning for warning in outcome.report.warnings)


async def test_the_switch_hangs_up(recording: Path) -> None:
    switch = HangUpSwitch()

    def answered(_: object) -> None:
        switch.pressed = True

    async with serving(EchoAgent()) as url:
        order = CallOrder(url, Plan([PlayFile(recording)]), TOKEN)
        outcome = await carry_out(order, switch, answered)
    assert outcome.report.heard.utterances == []


def run_command(*arguments: str) -> Any:
    app = typer.Typer()
    app.command()(call)
    return CliRunner().invoke(app, list(arguments))


async def test_the_command_writes_what_it_was_asked_for(recording: Path, tmp_path: Path) -> None:
    script = tmp_path / "call.toml"
    script.write_text(
        f'patience=0.2\nfarewell=0.2\n[[step]]\nwav="{recording.name}"\n', encoding="utf-8"
    )
    out, stereo = tmp_path / "call.json", tmp_path / "call.wav"
    program = "import typer; from voice_agent.cli_call import call; typer.run(call)"
    async with serving(EchoAgent()) as url:
        options = ["--url", url, "--auth-token", TOKEN, "--json", str(out), "--record", str(stereo)]
        command = [sys.executable, "-c", program, "--script", str(script), *options]
        result = await anyio.run_process(command, check=False)
    assert result.returncode == 0, result.stderr
    report = json.loads(out.read_text("utf-8"))
    assert {"call_sid", "disposition", "turns", "longest_silence_ms", "gaps_ms"} <= set(report)
    assert report["gaps_ms"] == []
    assert stereo.read_bytes()[:4] == b"RIFF"
    assert "longest silence" in result.stdout.decode()


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--say", " "],
        ["--wav", "missing.wav"],
        ["--script", "missing.toml"],
        ["--script", "a.toml", "--say", "b"],
        ["--mic", "--say", "b"],
        ["--say", "a", "--url", "ftp://x"],
        ["--say", "a", "--record", "/no/such/folder/x.wav"],
        ["--say", "a", "--barge-in-after", "-1"],
    ],
)
def test_wrong_use_is_code_2(arguments: list[str]) -> None:
    assert run_command(*arguments).exit_code == 2


def test_a_server_that_is_not_there_is_code_1_and_the_next_step(recording: Path) -> None:
    result = run_command("--wav", str(recording), "--url", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "make run" in result.output
