"""A voice that remembers: what is said again and again is heard at once and paid for once.

Kept are whole clauses only, and only

- those that a predicate knows as fixed: greetings, fillers, legal text, the phrase book; and
- those said three times that are `impersonal`: no figures, no names (see `impersonal.py`).

The first are kept at once. Nothing else is looked up, counted or kept, in memory or on disk; files
are named by a hash and hold sound and its words. A clause that two calls ask for at the same time
is made once.
"""

from collections import OrderedDict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import anyio
import structlog
from anyio import to_thread

from voice_agent.core.errors import ProviderError
from voice_agent.core.mailbox import Mailbox
from voice_agent.core.ports import SpeechSynthesizer, Warmable
from voice_agent.core.speech import SpeechEvent, SpeechRequest, SpokenAudio, SpokenWord
from voice_agent.core.usage import EngineSwitched
from voice_agent.engines.tts import clips
from voice_agent.engines.tts.clips import Clip, ClipMemory, key_of
from voice_agent.engines.tts.event_stream import events_of
from voice_agent.engines.tts.impersonal import impersonal

log = structlog.get_logger(__name__)

MEMORY_BYTES: Final = 32 * 2**20
DISK_BYTES: Final = 256 * 2**20
SEEN_BEFORE_KEPT: Final = 3
"""How often an impersonal clause must be said before it is kept."""
_SIGHTINGS: Final = 4096
"""Clauses whose sightings are counted, by hash."""
_WAITING_WRITES: Final = 64
_CLOSING_SECONDS: Final = 2.0


@dataclass(slots=True)
class CacheCounts:
    """What the cache was good for; `joined` heard a clause that was being made for another."""

    hits: int = 0
    misses: int = 0
    joined: int = 0
    evictions: int = 0
    disk_failures: int = 0


class CachingSynthesizer:
    """Speaks through another voice and keeps what may be kept; enter it to use the disk."""

    def __init__(
        self,
        inner: SpeechSynthesizer,
        folder: Path | None,
        *,
        engine: str,
        fixed: Callable[[str], bool],
        memory_bytes: int = MEMORY_BYTES,
        disk_bytes: int = DISK_BYTES,
    ) -> None:
        """`engine` names the voice with whatever else changes how it sounds, its model for one.

        `fixed` says of a text whether it is the same for every caller. Without a folder, or
        before it was entered, only memory is used.
        """
        self._inner = inner
        self._engine = engine
        self._fixed = fixed
        self._memory = ClipMemory(memory_bytes)
        self._disk = _Disk(folder, disk_bytes) if folder else None
        self._making: dict[str, _Making] = {}
        self._sightings: OrderedDict[str, int] = OrderedDict()
        self._counts = CacheCounts()
        self._stack = AsyncExitStack()

    @property
    def counts(self) -> CacheCounts:
        """Totals since the start."""
        self._counts.evictions = self._memory.evictions
        if self._disk:
            self._counts.evictions += self._disk.evictions
            self._counts.disk_failures = self._disk.failures
        return self._counts

    async def __aenter__(self) -> Self:
        """Look what is on disk and start the task that writes."""
        if self._disk:
            await self._stack.enter_async_context(self._disk.running())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        """Write what waits, within two seconds."""
        return await self._stack.__aexit__(kind, error, trace)

    async def warm(self) -> None:
        """Let the voice get ready."""
        if isinstance(self._inner, Warmable):
            await self._inner.warm()

    async def prefetch(self, requests: Iterable[SpeechRequest]) -> int:
        """Make fixed clauses ready before anybody asks; returns how many are.

        Stops at the first failure of the voice: a later call will ask for the rest.
        """
        ready = 0
        for request in requests:
            key = key_of(self._engine, request)
            try:
                if await self._find(key) is None and key not in self._making:
                    async with aclosing(self._make(key, request)) as events:
                        async for _ in events:
                            pass
            except ProviderError as error:
                log.warning("audio_cache.prefetch_failed", code=error.code)
                break
            ready += 1
        return ready

    async def stream(self, request: SpeechRequest) -> AsyncIterator[SpeechEvent]:
        """Speak one clause; see the port. Usage is told once, when the clause is made."""
        async with aclosing(self._events(request)) as events:
            async for event in events:
                yield event

    def _events(self, request: SpeechRequest) -> AsyncGenerator[SpeechEvent, None]:
        fixed = self._fixed(request.text)
        if not fixed and not impersonal(request.text, request.language):
            return events_of(self._inner, request)
        key = key_of(self._engine, request)
        return self._known(key, request, keep=fixed or self._seen_often(key))

    async def _known(
        self, key: str, request: SpeechRequest, *, keep: bool
    ) -> AsyncGenerator[SpeechEvent, None]:
        clip = await self._find(key)
        making = self._making.get(key)
        if clip is not None:
            self._counts.hits += 1
            for event in clip.events:
                yield event
            return
        if making is not None:
            self._counts.joined += 1
            source = self._join(making, request)
        else:
            self._counts.misses += 1
            source = self._make(key, request) if keep else events_of(self._inner, request)
        async with aclosing(source) as events:
            async for made in events:
                yield made

    async def _find(self, key: str) -> Clip | None:
        clip = self._memory.get(key)
        if clip is None and self._disk and (clip := await self._disk.read(key)):
            self._memory.put(key, clip)
        return clip

    async def _make(self, key: str, request: SpeechRequest) -> AsyncGenerator[SpeechEvent, None]:
        making = self._making[key] = _Making()
        try:
            async with aclosing(events_of(self._inner, request)) as events:
                async for event in events:
                    making.add(event)
                    yield event
            making.whole = True
        finally:
            del self._making[key]
            making.end()
        self._keep(key, making)

    def _keep(self, key: str, making: "_Making") -> None:
        clip = Clip(tuple(making.events))
        if making.one_voice and clip.audible:
            self._memory.put(key, clip)
            if self._disk:
                self._disk.write_soon(key, clip)

    async def _join(
        self, making: "_Making", request: SpeechRequest
    ) -> AsyncGenerator[SpeechEvent, None]:
        """What another call's stream makes; where that is given up, the rest on our own."""
        passed = 0
        while True:
            for event in making.events[passed:]:
                passed += 1
                yield event
            # More may have come while the last one was listened to.
            if passed < len(making.events):
                continue
            if making.over:
                break
            await making.changed.wait()
        if making.whole:
            return
        rest = _Rest(making.events[:passed])
        async with aclosing(events_of(self._inner, request)) as events:
            async for made in events:
                for left in rest.after(made):
                    yield left

    def _seen_often(self, key: str) -> bool:
        seen = self._sightings.pop(key, 0) + 1
        self._sightings[key] = seen
        if len(self._sightings) > _SIGHTINGS:
            self._sightings.popitem(last=False)
        return seen >= SEEN_BEFORE_KEPT


@dataclass(slots=True)
class _Making:
    """A clause that is being made, for all who ask for it meanwhile."""

    events: list[SpokenAudio | SpokenWord] = field(default_factory=list)
    changed: anyio.Event = field(default_factory=anyio.Event)
    one_voice: bool = True
    whole: bool = False
    over: bool = False

    def add(self, event: SpeechEvent) -> None:
        if isinstance(event, SpokenAudio | SpokenWord):
            self.events.append(event)
            self._tell()
        elif isinstance(event, EngineSwitched):
            self.one_voice = False

    def end(self) -> None:
        self.over = True
        self._tell()

    def _tell(self) -> None:
        self.changed.set()
        self.changed = anyio.Event()


class _Rest:
    """Of a clause made anew, what comes after the part that was heard already."""

    def __init__(self, passed: Sequence[SpokenAudio | SpokenWord]) -> None:
        self._bytes = sum(len(event.data) for event in passed if isinstance(event, SpokenAudio))
        self._words = sum(isinstance(event, SpokenWord) for event in passed)

    def after(self, event: SpeechEvent) -> list[SpeechEvent]:
        if isinstance(event, SpokenWord) and self._words:
            self._words -= 1
            return []
        if isinstance(event, SpokenAudio) and self._bytes:
            skipped = min(self._bytes, len(event.data))
            self._bytes -= skipped
            return [SpokenAudio(event.data[skipped:])] if skipped < len(event.data) else []
        return [event]


class _Disk:
    """Clips in a folder, at most so many bytes; files are touched in threads only."""

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._sizes: OrderedDict[str, int] = OrderedDict()
        self._writes: Mailbox[tuple[str, Clip]] = Mailbox(_WAITING_WRITES)
        self._running = False
        self.evictions = 0
        self.failures = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        try:
            self._sizes.update(await to_thread.run_sync(clips.scan, self._folder))
        except OSError as error:
            self._failed(error)
            yield
            return
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._write_all)
            self._running = True
            try:
                yield
            finally:
                self._running = False
                tasks.cancel_scope.cancel()
        with anyio.move_on_after(_CLOSING_SECONDS, shield=True):
            while len(self._writes):
                await self._write(*self._writes.take())

    async def read(self, key: str) -> Clip | None:
        if key not in self._sizes:
            return None
        clip = await to_thread.run_sync(clips.read, self._folder, key)
        if clip is None:
            self._sizes.pop(key, None)
        elif key in self._sizes:
            self._sizes.move_to_end(key)
        return clip

    def write_soon(self, key: str, clip: Clip) -> None:
        if self._running and key not in self._sizes:
            self._writes.put((key, clip))

    async def _write_all(self) -> None:
        while True:
            key, clip = await self._writes.get()
            with anyio.CancelScope(shield=True):
                await self._write(key, clip)

    async def _write(self, key: str, clip: Clip) -> None:
        data = clips.encode(clip)
        if len(data) > self._limit // 2:
            return
        try:
            await to_thread.run_sync(clips.write, self._folder, key, data)
        except OSError as error:
            self._failed(error)
            return
        self._sizes[key] = len(data)
        while sum(self._sizes.values()) > self._limit:
            oldest, _ = self._sizes.popitem(last=False)
            self.evictions += 1
            await to_thread.run_sync(clips.delete, self._folder, oldest)

    def _failed(self, error: OSError) -> None:
        self.failures += 1
        log.warning("audio_cache.disk_failed", error=type(error).__name__)
