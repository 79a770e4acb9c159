"""The network that finds speech: what only it can get wrong."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from support.requirements import require
from support.waiting import until
from voice_agent.core.audio import PHONE, AudioFrame
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.core.speech import VoiceActivity
from voice_agent.engines.vad import silero
from voice_agent.engines.vad.silero import PROVIDER, SileroDetector, SileroOptions
from voice_agent.engines.vad.silero_model import (
    INSTALL,
    QUIET_WINDOWS,
    RESET_AFTER,
    CallMemory,
    SileroModel,
    load_model,
    weights_path,
)

pytestmark = pytest.mark.anyio
WINDOW = 0.032


@pytest.fixture(scope="module")
def model() -> SileroModel:
    path = weights_path()
    require(path, "the voice activity network", INSTALL)
    assert path is not None
    return load_model(path)


def test_the_network_is_loaded_once(model: SileroModel) -> None:
    path = weights_path()
    assert path is not None
    assert load_model(path) is model


def test_finding_the_weights_imports_neither_the_package_nor_torch() -> None:
    code = (
        "import sys; from voice_agent.engines.vad.silero import PROVIDER, SileroOptions; "
        "PROVIDER.check(SileroOptions()); print({'silero_vad', 'torch'} & set(sys.modules))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "set()"


def test_missing_weights_are_told_with_the_command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(silero, "weights_path", lambda: None)
    assert INSTALL in PROVIDER.check(SileroOptions())
    assert "there is no file" in PROVIDER.check(SileroOptions(weights=tmp_path / "x.onnx"))


async def test_a_damaged_file_is_told_with_the_command(tmp_path: Path) -> None:
    damaged = tmp_path / "silero_vad.onnx"
    damaged.write_bytes(b"junk")
    with pytest.raises(ProviderUnavailable, match="pip install"):
        async with SileroDetector(damaged):
            pytest.fail("must not start")


@pytest.mark.parametrize("rate", [8000, 16000])
def test_a_batch_hears_what_each_would_hear_alone(model: SileroModel, rate: int) -> None:
    noise = np.random.default_rng(4).normal(0, 0.1, (20, 5, round(WINDOW * rate)))
    sounds = noise.astype(np.float32)
    together = [CallMemory(rate) for _ in range(5)]
    alone = [CallMemory(rate) for _ in range(5)]
    for step in sounds:
        batch = model.listen(rate, list(step), together)
        single = [
            model.listen(rate, [window], [memory])[0]
            for window, memory in zip(step, alone, strict=True)
        ]
        assert batch == pytest.approx(single, abs=1e-3)


def test_long_quiet_empties_the_memory() -> None:
    memory, window = CallMemory(8000), np.ones(256, np.float32)
    windows = 0
    while not memory.resets:
        memory.update(window, np.ones((2, 128), np.float32), 0.01)
        windows += 1
    assert windows * WINDOW == pytest.approx(RESET_AFTER, abs=WINDOW)
    assert not memory.state.any()
    assert not memory.context.any()


def test_speech_keeps_the_memory_until_it_has_been_quiet_for_a_while() -> None:
    memory, window = CallMemory(8000), np.ones(256, np.float32)
    state = np.ones((2, 128), np.float32)
    for _ in range(200):
        memory.update(window, state, 0.9)
    for _ in range(QUIET_WINDOWS - 1):
        memory.update(window, state, 0.01)
    assert memory.resets == 0
    memory.update(window, state, 0.01)
    assert memory.resets == 1


async def test_a_call_that_sends_too_fast_loses_sound_and_is_counted(model: SileroModel) -> None:
    told: list[VoiceActivity] = []
    async with SileroDetector() as detector:
        stream = detector.open(PHONE, told.append)
        for second in range(30):
            stream.push(AudioFrame(PHONE.silence(1.0), PHONE, float(second)))
        assert stream.dropped >= 20
        await until(lambda: told and told[-1].end > 0.9)
        received = len(told)
        await until(lambda: stream._backlog < 0.01)
        stream.push(AudioFrame(PHONE.silence(1.0), PHONE, 30.0))
        await until(lambda: told[-1].end > 30.9)
    assert len(told) > received


async def test_a_frame_that_cannot_be_read_is_forgotten(model: SileroModel) -> None:
    from voice_agent.core.audio import WIDEBAND

    told: list[VoiceActivity] = []
    async with SileroDetector() as detector:
        stream = detector.open(WIDEBAND, told.append)
        stream.push(AudioFrame(b"\x00" * 7, WIDEBAND))
        await until(lambda: stream._backlog < 0.0001)
        stream.push(AudioFrame(WIDEBAND.silence(0.1), WIDEBAND))
        await until(lambda: len(told) == 3)


async def test_nothing_opens_before_the_thread_runs_or_after_it_ended(model: SileroModel) -> None:
    detector = SileroDetector()
    with pytest.raises(ProviderUnavailable):
        detector.open(PHONE, lambda _: None)
    async with detector:
        stream = detector.open(PHONE, lambda _: None)
    stream.push(AudioFrame(PHONE.silence(0.1), PHONE))
    with pytest.raises(ProviderUnavailable):
        detector.open(PHONE, lambda _: None)
