"""Silero: a small network that tells speech from noise, one thread for all calls.

push ──► queue ──► thread: decode, cut into 32 ms, one batch over all calls
emit ◄── event loop ◄──────────────────────────────────────────┘
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

import anyio
import anyio.to_thread
import structlog
from pydantic import BaseModel, ConfigDict, Field

from voice_agent.core.audio import AudioFormat, AudioFrame
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.core.resample import Resampler
from voice_agent.core.speech import VoiceActivity
from voice_agent.engines.registry import Kind, Provider
from voice_agent.engines.vad.silero_model import (
    INSTALL,
    RATES,
    CallMemory,
    SileroModel,
    load_model,
    weights_path,
)
from voice_agent.engines.vad.windows import WINDOW, AudioClock, WindowCutter

log = structlog.get_logger(__name__)

LONGEST_BACKLOG: Final = 2.0
"""Seconds of sound one call may have waiting; more is dropped and counted."""


class SileroOptions(BaseModel):
    """Where the network is."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    weights: Path | None = Field(
        default=None, description="silero_vad.onnx; found by itself if installed"
    )


class SileroStream:
    """Voice activity of one call."""

    def __init__(
        self, audio: AudioFormat, emit: Callable[[VoiceActivity], None], thread: "_Listener"
    ) -> None:
        rate = audio.rate if audio.rate in RATES else max(RATES)
        self.memory = CallMemory(rate)
        self.cutter = WindowCutter(rate)
        self.resampler = Resampler(audio.rate, rate)
        self.dropped = 0
        self.closed = False
        self._emit, self._thread = emit, thread
        self._clock = AudioClock(audio)
        self._backlog = 0.0

    def push(self, frame: AudioFrame) -> None:
        """Take the next sound; see the port."""
        start = self._clock.place(frame)
        if self.closed:
            return
        if self._backlog >= LONGEST_BACKLOG:
            self.dropped += 1
            return
        self._backlog += frame.duration
        self._thread.submit(_Task(self, frame, start))

    def close(self) -> None:
        """Forget this call; nothing is emitted any more."""
        self.closed = True

    def heard(self, seconds: float, activities: Sequence[VoiceActivity]) -> None:
        """Results for `seconds` of sound; called on the event loop."""
        self._backlog -= seconds
        for activity in activities:
            if not self.closed:
                self._emit(activity)


class _Task(NamedTuple):
    stream: SileroStream
    frame: AudioFrame
    start: float


class _Listener:
    """The thread: everything that waits goes through the network together."""

    def __init__(self, model: SileroModel, loop: asyncio.AbstractEventLoop) -> None:
        self._model, self._loop = model, loop
        self._tasks: deque[_Task] = deque()
        self._wake = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._work, name="silero", daemon=True)
        self._thread.start()

    def submit(self, task: _Task) -> None:
        """Queue sound; each stream bounds its own share."""
        with self._wake:
            self._tasks.append(task)
            self._wake.notify()

    def stop(self) -> None:
        """End the thread; blocks until the batch in hand is done."""
        with self._wake:
            self._stopped = True
            self._wake.notify()
        self._thread.join()

    def _work(self) -> None:
        while tasks := self._next():
            results: dict[SileroStream, list[VoiceActivity]] = {t.stream: [] for t in tasks}
            try:
                self._listen(tasks, results)
            except Exception:
                log.exception("vad.failed", provider="silero")
            self._report(tasks, results)

    def _next(self) -> list[_Task]:
        with self._wake:
            self._wake.wait_for(lambda: self._tasks or self._stopped)
            tasks = [] if self._stopped else list(self._tasks)
            self._tasks.clear()
        return tasks

    def _listen(
        self, tasks: Sequence[_Task], results: dict[SileroStream, list[VoiceActivity]]
    ) -> None:
        for stream, frame, start in tasks:
            if not stream.closed:
                stream.cutter.add(stream.resampler.process(frame.samples()), start)
        for rate in RATES:
            streams = [stream for stream in results if stream.memory.rate == rate]
            while streams := self._listen_once(rate, streams, results):
                pass

    def _listen_once(
        self,
        rate: int,
        streams: Sequence[SileroStream],
        results: dict[SileroStream, list[VoiceActivity]],
    ) -> list[SileroStream]:
        """One window of each stream that has one; returns those streams."""
        ready = [(stream, taken) for stream in streams if (taken := stream.cutter.take())]
        if ready:
            windows = [window for _, (_, window) in ready]
            memories = [stream.memory for stream, _ in ready]
            chances = self._model.listen(rate, windows, memories)
            for (stream, (start, _)), chance in zip(ready, chances, strict=True):
                results[stream].append(VoiceActivity(start, start + WINDOW, chance))
        return [stream for stream, _ in ready]

    def _report(
        self, tasks: Sequence[_Task], results: dict[SileroStream, list[VoiceActivity]]
    ) -> None:
        seconds = dict.fromkeys(results, 0.0)
        for stream, frame, _ in tasks:
            seconds[stream] += frame.duration

        def on_loop() -> None:
            for stream, activities in results.items():
                stream.heard(seconds[stream], activities)

        with suppress(RuntimeError):  # the loop is closed: nobody listens any more
            self._loop.call_soon_threadsafe(on_loop)


class SileroDetector:
    """The detector for all calls; enter it before use."""

    def __init__(self, weights: Path | None = None) -> None:
        """`weights` is the network's file; None looks for the installed one."""
        self._weights = weights
        self._listener: _Listener | None = None

    async def __aenter__(self) -> Self:
        """Load the network; raises `ProviderUnavailable` when it is missing or damaged."""
        path = self._weights or weights_path()
        if path is None:
            raise ProviderUnavailable(_MISSING, provider="silero")
        model = await anyio.to_thread.run_sync(load_model, path)
        self._listener = _Listener(model, asyncio.get_running_loop())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the thread."""
        listener, self._listener = self._listener, None
        if listener is not None:
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(listener.stop)

    def open(self, audio: AudioFormat, emit: Callable[[VoiceActivity], None]) -> SileroStream:
        """Start a stream; see the port. Raises `ProviderUnavailable` before it was entered."""
        if self._listener is None:
            raise ProviderUnavailable("the voice activity thread is not running", provider="silero")
        return SileroStream(audio, emit, self._listener)


_MISSING: Final = f"the voice activity network is missing: {INSTALL}"


def _check(options: SileroOptions) -> str:
    if options.weights is not None:
        return "" if options.weights.is_file() else f"there is no file {options.weights}"
    return "" if weights_path() else _MISSING


PROVIDER = Provider(
    name="silero",
    kind=Kind.VAD,
    options=SileroOptions,
    build=lambda options: SileroDetector(options.weights),
    check=_check,
    summary="A small network that tells speech from noise, music and hum",
)
