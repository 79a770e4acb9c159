"""How fast the embedded voices and the voice activity detector are on this machine.

`python -m benchmarks.embedded_engines`. Times of a voice run from the request to its first
sound on the event loop, through the worker process, in telephone format.
"""

import os
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import numpy as np

from voice_agent.core.audio import PHONE, AudioFrame
from voice_agent.core.ports import SpeechSynthesizer
from voice_agent.core.speech import SpeechRequest, SpokenAudio, VoiceActivity
from voice_agent.engines.registry import Kind, find, read_options
from voice_agent.engines.vad.silero import SileroDetector
from voice_agent.engines.vad.silero_model import CallMemory, load_model, weights_path

SENTENCE = (
    "Your order has been shipped and it will arrive at your home on Tuesday morning ok "
    "between nine and eleven and the courier is going to ring the bell twice if"
)
LENGTHS = (5, 81, 156)
RUNS = 60
CALLS = 8


async def voices() -> None:
    """Time to first sound and cost of each embedded voice."""
    for name in ("espeak", "flite"):
        async with _engine(name) as voice:
            await _speak(voice, SENTENCE)
            for length in LENGTHS:
                timed = [await _speak(voice, SENTENCE[:length]) for _ in range(RUNS)]
                seconds = timed[0][2]
                cost = statistics.median(whole for _, whole, _ in timed) / seconds
                print(
                    f"{name}: {length} characters, first sound {_spread([f for f, _, _ in timed])},"
                    f" {seconds:.2f} s of speech, {100 * cost:.1f} % of real time"
                )
            print(f"{name}: first sound with {CALLS} other calls speaking {await _crowded(voice)}")


async def _crowded(voice: SpeechSynthesizer) -> str:
    """The same while other calls ask for their next clause as soon as the last was played."""

    async def other() -> None:
        while True:
            _, _, seconds = await _speak(voice, SENTENCE)
            await anyio.sleep(seconds / CALLS)  # denser than life, to meet each other more often

    async with anyio.create_task_group() as tasks:
        for number in range(CALLS):
            tasks.start_soon(other)
            await anyio.sleep(0.1 + number / 50)
        firsts = []
        for _ in range(RUNS):
            firsts.append((await _speak(voice, SENTENCE[: LENGTHS[1]]))[0])
            await anyio.sleep(0.037)
        tasks.cancel_scope.cancel()
    return _spread(firsts)


async def _speak(voice: SpeechSynthesizer, text: str) -> tuple[float, float, float]:
    """Seconds to the first sound, to the end, and of speech."""
    begun, first, size = time.perf_counter(), 0.0, 0
    async for event in voice.stream(SpeechRequest(text, PHONE)):
        if isinstance(event, SpokenAudio):
            first = first or time.perf_counter() - begun
            size += len(event.data)
    return first, time.perf_counter() - begun, size / PHONE.bytes_per_second


@asynccontextmanager
async def _engine(name: str) -> AsyncIterator[Any]:
    provider = find(Kind.TTS, name)
    async with provider.build(read_options(provider, {})) as voice:
        yield voice


def network() -> None:
    """Cost of one 32 ms window, alone and in batches."""
    path = weights_path()
    if path is None:
        return
    model, noise = load_model(path), np.random.default_rng(1)
    for rate in (8000, 16000):
        for calls in (1, 8, 32):
            memories = [CallMemory(rate) for _ in range(calls)]
            windows = list(noise.normal(0, 0.1, (calls, rate * 32 // 1000)).astype(np.float32))
            times = []
            for _ in range(200):
                begun = time.perf_counter()
                model.listen(rate, windows, memories)
                times.append((time.perf_counter() - begun) / calls)
            print(f"silero: {rate} Hz, batch of {calls}: {1e6 * statistics.median(times):.0f} us")


async def detector() -> None:
    """From a frame that completes a window to its result on the event loop."""
    async with SileroDetector() as engine:
        for calls in (1, 20, 50):
            print(f"silero: {calls} calls, frame to result {_spread(await _delays(engine, calls))}")


async def _delays(engine: SileroDetector, calls: int) -> list[float]:
    told: list[float] = []
    delays: list[float] = []

    def note(_activity: VoiceActivity) -> None:
        told.append(time.perf_counter())

    streams = [engine.open(PHONE, note) for _ in range(calls)]
    for number in range(200):
        pushed = time.perf_counter()
        for stream in streams:
            stream.push(AudioFrame(PHONE.silence(0.02), PHONE, number * 0.02))
        await anyio.sleep(0.02)
        delays += [moment - pushed for moment in told]
        told.clear()
    for stream in streams:
        stream.close()
    return delays


def _spread(seconds: Sequence[float]) -> str:
    ordered = sorted(seconds)
    p95 = ordered[int(0.95 * (len(ordered) - 1))]
    return f"median {1e3 * statistics.median(ordered):.1f} ms, p95 {1e3 * p95:.1f} ms"


def main() -> None:
    """Measure and print."""
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    network()
    anyio.run(detector)
    anyio.run(voices)


if __name__ == "__main__":
    main()
