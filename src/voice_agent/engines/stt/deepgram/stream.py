"""One call's socket to Deepgram: a writer, a reader and a timer around a protocol."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import anyio
import structlog
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed, WebSocketException

from voice_agent.core.audio import AudioFrame
from voice_agent.core.clock import Clock
from voice_agent.core.errors import ProviderError, ProviderRejected, ProviderUnavailable
from voice_agent.core.ports import RecognizerInput
from voice_agent.core.speech import RecognitionEvent, RecognitionFailed
from voice_agent.core.usage import Unit, Usage
from voice_agent.engines.stt.deepgram.messages import Malformed, read
from voice_agent.engines.stt.deepgram.outbox import Outbox, Pace, seconds_of
from voice_agent.engines.stt.deepgram.protocol import (
    CLOSE_STREAM,
    PROVIDER_NAME,
    Mark,
    Note,
    Outgoing,
    Output,
    Padding,
    SpeechProtocol,
)

log = structlog.get_logger(__name__)

WRITE_WITHIN: Final = 3.0
"""How long the network may refuse to take a frame (s)."""
LEAVE_WITHIN: Final = 2.0
"""How long the server may take to say goodbye (s)."""
_REASON: Final = re.compile(r"(?:net|data)-?\d{4}", re.IGNORECASE)
_UNDECODABLE: Final = 1008


class DeepgramStream:
    """Recognition of one call; `run` it, and `leave` at the end."""

    def __init__(
        self,
        socket: ClientConnection,
        protocol: SpeechProtocol,
        emit: Callable[[RecognitionEvent], None],
        *,
        model: str,
        clock: Clock,
    ) -> None:
        """The socket is open; `emit` is called on the event loop."""
        self._socket = socket
        self._protocol = protocol
        self._emit = emit
        self._model = model
        self._clock = clock
        self._outbox = Outbox()
        self._pace = Pace()
        self._scope = anyio.CancelScope()
        self._due_earlier = anyio.Event()
        self._due = float("inf")
        self._over = self._failed = False
        self._notes: Counter[str] = Counter()

    def send(self, item: RecognizerInput) -> None:
        """Take the call's next input; never blocks."""
        if not self._over:
            self._do(self._protocol.hear(item, self._clock.now()))

    async def run(self) -> None:
        """Serve the socket until the stream has failed or is cancelled."""
        with self._scope:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._write)
                tasks.start_soon(self._watch)
                await self._read()

    def leave(self) -> None:
        """The call is over, or the stream was given up: nothing is told from now on."""
        self._tell_usage()
        self._failed, self._over = self._over, True
        log.info(
            "deepgram.closed",
            seconds=round(self._protocol.clock.position, 2),
            dropped=round(self._outbox.dropped, 2),
            **self._notes,
        )

    async def say_goodbye(self) -> None:
        """Let the server finish and close, for a limited time; after `leave`."""
        try:
            if self._failed:
                return
            with anyio.move_on_after(LEAVE_WITHIN):
                await self._socket.send(CLOSE_STREAM)
                while not _is_metadata(await self._socket.recv()):
                    pass
                await self._socket.close()
        except (WebSocketException, OSError):
            pass
        finally:
            self._socket.transport.abort()

    # ── the three tasks ─────────────────────────────────────────────────────────────────

    async def _write(self) -> None:
        try:
            while True:
                item = await self._outbox.take()
                await self._keep_pace(item)
                self._do(self._protocol.written(item, self._clock.now()))
                with anyio.fail_after(WRITE_WITHIN):
                    await self._put_on_wire(item)
        except TimeoutError:
            self._fail(ProviderUnavailable("the network takes no sound", provider=PROVIDER_NAME))
        except (WebSocketException, OSError):
            return  # the reader knows why

    async def _keep_pace(self, item: Outgoing) -> None:
        seconds = seconds_of(item)
        if seconds and (wait := self._pace.wait(seconds, self._clock.now())):
            await anyio.sleep(wait)

    async def _put_on_wire(self, item: Outgoing) -> None:
        match item:
            case AudioFrame() | Padding():
                await self._socket.send(item.data)
            case str():
                await self._socket.send(item)
            case Mark():
                pass

    async def _read(self) -> None:
        try:
            while True:
                message = await self._socket.recv()
                self._do(self._protocol.receive(message, self._clock.now()))
        except ConnectionClosed as closed:
            self._fail(closing_error(closed))

    async def _watch(self) -> None:
        while True:
            self._due_earlier = anyio.Event()
            self._due = self._protocol.deadline
            with anyio.move_on_after(self._due - self._clock.now()):
                await self._due_earlier.wait()
            self._do(self._protocol.tick(self._clock.now()))

    # ── what the protocol wants ─────────────────────────────────────────────────────────

    def _do(self, outputs: Iterable[Output]) -> None:
        for output in outputs:
            match output:
                case AudioFrame() | Padding() | Mark() | str():
                    self._queue(output)
                case Note():
                    self._note(output)
                case RecognitionFailed():
                    self._fail(output.error)
                case _ if not self._over:
                    self._emit(output)
        if self._protocol.deadline < self._due:
            self._due_earlier.set()

    def _note(self, note: Note) -> None:
        """The first of a kind is logged at once, the others are counted."""
        self._notes[note.event] += 1
        if self._notes[note.event] == 1:
            log.warning("deepgram.noted", what=note.event, detail=note.detail)

    def _queue(self, item: Outgoing) -> None:
        before = self._outbox.dropped
        if self._outbox.put(item) and not before:
            log.warning("deepgram.sound_dropped")

    def _fail(self, error: ProviderError) -> None:
        if self._over:
            return
        self._tell_usage()
        self._over = True
        log.warning("deepgram.failed", code=error.code, reason=str(error))
        self._emit(RecognitionFailed(error))
        self._scope.cancel()

    def _tell_usage(self) -> None:
        seconds = self._protocol.clock.position
        if seconds and not self._over:
            self._emit(Usage(PROVIDER_NAME, self._model, {Unit.SECONDS: seconds}))


def closing_error(closed: ConnectionClosed) -> ProviderError:
    """What a connection's end means."""
    frame = closed.rcvd
    code = frame.code if frame else 1006
    named = _REASON.search(frame.reason) if frame else None
    reason = f"the server closed the connection ({code}{f', {named.group()}' if named else ''})"
    kind = ProviderRejected if code == _UNDECODABLE else ProviderUnavailable
    return kind(reason, provider=PROVIDER_NAME)


def _is_metadata(message: str | bytes) -> bool:
    try:
        return read(message).get("type") == "Metadata"
    except Malformed:
        return False
