"""A synthesiser that lives in a worker process: the server's side of it."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack
from itertools import count
from types import TracebackType
from typing import Any, Final, Self

import anyio
import orjson

from voice_agent.core.errors import (
    ProviderError,
    ProviderGarbage,
    ProviderRejected,
    ProviderUnavailable,
)
from voice_agent.core.mailbox import Mailbox
from voice_agent.core.speech import SpeechEvent, SpeechRequest, SpokenAudio, SpokenWord
from voice_agent.engines.tts.phrasing import printable
from voice_agent.engines.worker_channel import WorkerMessage
from voice_agent.engines.worker_process import WorkerProcess

LONGEST_TEXT: Final = 4000
"""Characters in one clause."""
_CAPACITY: Final = 16384

_Item = SpeechEvent | ProviderError | None


class WorkerSynthesizer:
    """Speaks clauses of many calls through one worker; enter it before use."""

    def __init__(
        self, provider: str, module: str, options: Mapping[str, Any], *, deadline: float = 5.0
    ) -> None:
        """`module` is the worker's; `options` hold at least `voice`, the default one.

        `deadline` is the longest wait (seconds) for the next sound; after it the worker is
        taken to hang and is replaced.
        """
        self._provider = provider
        self._voice = str(options["voice"])
        self._deadline = deadline
        self._ids = count(1)
        self._streams: dict[int, Mailbox[_Item]] = {}
        self._stack = AsyncExitStack()
        self.worker = WorkerProcess(
            module,
            [orjson.dumps(options).decode()],
            on_message=self._receive,
            on_death=self._lose_all,
            provider=provider,
        )

    async def __aenter__(self) -> Self:
        """Start the worker; raises `ProviderUnavailable` when it cannot."""
        await self._stack.enter_async_context(self.worker.running())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """End the worker."""
        return await self._stack.__aexit__(kind, error, trace)

    async def stream(self, request: SpeechRequest) -> AsyncIterator[SpeechEvent]:
        """Speak one clause; see the port."""
        number, inbox = next(self._ids), Mailbox[_Item](_CAPACITY)
        self._streams[number] = inbox
        finished = False
        try:
            self._ask(number, request)
            while (item := await self._next(inbox)) is not None:
                if isinstance(item, ProviderError):
                    finished = True
                    raise item
                yield item
            finished = True
        finally:
            self._streams.pop(number, None)
            if not finished and self.worker.alive:
                self.worker.send(WorkerMessage({"type": "cancel", "id": number}))

    def _ask(self, number: int, request: SpeechRequest) -> None:
        if len(request.text) > LONGEST_TEXT:
            raise ProviderRejected(
                f"a clause of {len(request.text)} characters is longer than {LONGEST_TEXT}",
                provider=self._provider,
            )
        header = {
            "type": "speak",
            "id": number,
            "text": printable(request.text),
            "voice": printable(request.voice) or self._voice,
            "rate": request.rate,
            "encoding": request.format.encoding,
            "hz": request.format.rate,
        }
        if not self.worker.send(WorkerMessage(header)):
            raise self._gone("it is being restarted")

    async def _next(self, inbox: Mailbox[_Item]) -> _Item:
        try:
            with anyio.fail_after(self._deadline):
                item = await inbox.get()
        except TimeoutError:
            self.worker.kill()
            raise self._gone(f"it made no sound for {self._deadline:g} s") from None
        if inbox.dropped:
            raise ProviderGarbage("the voice sent too much at once", provider=self._provider)
        return item

    def _receive(self, message: WorkerMessage) -> None:
        inbox = self._streams.get(message.header.get("id", 0))
        read = _READERS.get(message.header["type"])
        if inbox is None or read is None:
            return
        for item in read(message, self._provider):
            inbox.put(item)

    def _lose_all(self) -> None:
        for inbox in self._streams.values():
            inbox.put(self._gone("it died"))

    def _gone(self, why: str) -> ProviderUnavailable:
        return ProviderUnavailable(
            f"the {self._provider} voice cannot speak: {why}", provider=self._provider
        )


def _audio(message: WorkerMessage, _provider: str) -> list[_Item]:
    return [SpokenAudio(message.body)]


def _words(message: WorkerMessage, _provider: str) -> list[_Item]:
    return [SpokenWord(text, start, end) for text, start, end in message.header["words"]]


def _done(_message: WorkerMessage, _provider: str) -> list[_Item]:
    return [None]


def _failed(message: WorkerMessage, provider: str) -> list[_Item]:
    refused = message.header["reason"] == "rejected"
    error = ProviderRejected if refused else ProviderUnavailable
    return [error(message.header["message"], provider=provider)]


_READERS: Final[dict[str, Callable[[WorkerMessage, str], list[_Item]]]] = {
    "audio": _audio,
    "words": _words,
    "done": _done,
    "failed": _failed,
}
