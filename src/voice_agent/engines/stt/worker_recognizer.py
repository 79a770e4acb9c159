"""A recogniser that lives in worker processes: the server's side of it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from types import TracebackType
from typing import Any, Self

import orjson

from voice_agent.core.audio import AudioFrame
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.core.ports import RecognizerInput
from voice_agent.core.speech import (
    Expectation,
    RecognitionEvent,
    RecognitionFailed,
    RecognitionRequest,
    SpeechStarted,
    SpeechStopped,
    Transcript,
    Word,
)
from voice_agent.engines.worker_channel import WorkerMessage
from voice_agent.engines.worker_process import WorkerProcess

Emit = Callable[[RecognitionEvent], None]


class WorkerStream:
    """Recognition of one call by a worker."""

    def __init__(self, number: int, worker: WorkerProcess) -> None:
        """`number` is the stream's own within its worker."""
        self._number, self._worker = number, worker

    def send(self, item: RecognizerInput) -> None:
        """Take the next input; see the port."""
        header, body = _message(item)
        self._worker.send(WorkerMessage({**header, "stream": self._number}, body))


class _Seat:
    """One worker and the calls it serves."""

    def __init__(self, provider: str, module: str, options: Mapping[str, Any]) -> None:
        self.emitters: dict[int, Emit] = {}
        self._provider = provider
        self.worker = WorkerProcess(
            module,
            [orjson.dumps(options).decode()],
            on_message=self._receive,
            on_death=lambda: self._lose_all("its worker process ended"),
            provider=provider,
        )

    def _receive(self, message: WorkerMessage) -> None:
        header = message.header
        if header["type"] == "ready":
            return
        emit = self.emitters.get(header["stream"])
        if emit is None:
            return
        if header["type"] == "transcript":
            emit(_transcript(header))
        else:
            del self.emitters[header["stream"]]
            emit(self._failed(str(header.get("message", "it gave no reason"))))

    def _lose_all(self, why: str) -> None:
        lost, self.emitters = self.emitters, {}
        for emit in lost.values():
            emit(self._failed(why))

    def _failed(self, why: str) -> RecognitionFailed:
        message = f"the recogniser stopped: {why}"
        return RecognitionFailed(ProviderUnavailable(message, provider=self._provider))


class WorkerRecognizer:
    """Hears many calls through a few workers; enter it before use."""

    def __init__(
        self, provider: str, module: str, options: Mapping[str, Any], *, workers: int = 1
    ) -> None:
        """`module` is the worker's, `options` its only argument; each call stays with one."""
        self._provider = provider
        self._seats = [_Seat(provider, module, options) for _ in range(workers)]
        self._numbers = count(1)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Start the workers; raises `ProviderUnavailable` when one cannot."""
        async with AsyncExitStack() as stack:
            for seat in self._seats:
                await stack.enter_async_context(seat.worker.running())
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """End the workers."""
        return await self._stack.__aexit__(kind, error, trace)

    @property
    def pids(self) -> tuple[int | None, ...]:
        """The process ids of the workers that are ready."""
        return tuple(seat.worker.pid for seat in self._seats)

    @property
    def load(self) -> tuple[int, ...]:
        """How many calls each worker serves."""
        return tuple(len(seat.emitters) for seat in self._seats)

    @asynccontextmanager
    async def open(self, request: RecognitionRequest, emit: Emit) -> AsyncIterator[WorkerStream]:
        """Start a stream with the least busy worker; see the port.

        The request's phrases are not used: the workers know theirs from their start.

        Raises:
            ProviderUnavailable: every worker is just being restarted.
        """
        seat, number = self._least_busy(), next(self._numbers)
        header = {
            "type": "open",
            "stream": number,
            "encoding": request.format.encoding,
            "rate": request.format.rate,
        }
        seat.emitters[number] = emit
        seat.worker.send(WorkerMessage(header))
        try:
            yield WorkerStream(number, seat.worker)
        finally:
            if seat.emitters.pop(number, None) is not None:
                seat.worker.send(WorkerMessage({"type": "close", "stream": number}))

    def _least_busy(self) -> _Seat:
        ready = [seat for seat in self._seats if seat.worker.alive]
        if not ready:
            raise ProviderUnavailable("the recogniser is being restarted", provider=self._provider)
        return min(ready, key=lambda seat: len(seat.emitters))


def _message(item: RecognizerInput) -> tuple[dict[str, Any], bytes]:
    if isinstance(item, AudioFrame):
        return {"type": "audio", "start": item.start}, item.data
    if isinstance(item, Expectation):
        return {"type": "expect", "what": item}, b""
    kind = {SpeechStarted: "started", SpeechStopped: "stopped"}[type(item)]
    return {"type": kind, "at": item.at}, b""


def _transcript(header: Mapping[str, Any]) -> Transcript:
    return Transcript(
        text=header["text"],
        final=header["final"],
        start=header["start"],
        end=header["end"],
        confidence=header.get("confidence", 1.0),
        completeness=header.get("completeness"),
        words=tuple(Word(*word) for word in header.get("words", ())),
    )
