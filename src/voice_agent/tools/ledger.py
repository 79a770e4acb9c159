"""Remembers which tool calls were made, so that each has its effect once."""

import hashlib
import json
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import anyio

from voice_agent.core.chat import JsonObject, ToolContext, ToolResult

_CALLS: Final = 1000
"""Calls remembered at once; beyond that the one that was quiet longest is forgotten."""


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """Names one effect: `digest` covers call, turn, tool and canonical arguments."""

    call_id: str
    digest: str


def idempotency_key(context: ToolContext, tool: str, arguments: JsonObject) -> IdempotencyKey:
    """The same for arguments that are the same JSON, in whatever order they came."""
    parts = [context.call_id, context.turn, tool, arguments]
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return IdempotencyKey(context.call_id, hashlib.sha256(text.encode()).hexdigest())


@dataclass(slots=True)
class _Entry:
    """One effect: whoever holds `lock` brings it about."""

    lock: anyio.Lock = field(default_factory=anyio.Lock)
    result: ToolResult | None = None


@dataclass(slots=True)
class _CallEntries:
    """What one call did."""

    writes: anyio.Lock = field(default_factory=anyio.Lock)
    entries: dict[str, _Entry] = field(default_factory=dict)
    busy: int = 0


class Ledger:
    """Results by idempotency key, and the locks that keep equal keys and writes apart."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._calls: OrderedDict[str, _CallEntries] = OrderedDict()

    @asynccontextmanager
    async def turn_of(self, key: IdempotencyKey) -> AsyncIterator[None]:
        """Hold the key: one at a time."""
        call = self._call(key.call_id)
        entry = call.entries.setdefault(key.digest, _Entry())
        call.busy += 1
        try:
            async with entry.lock:
                yield
        finally:
            call.busy -= 1

    @asynccontextmanager
    async def writes_of(self, call_id: str) -> AsyncIterator[None]:
        """Hold the right to write for a call: one at a time, first come first served."""
        async with self._call(call_id).writes:
            yield

    def result(self, key: IdempotencyKey) -> ToolResult | None:
        """The settled result, None when there is none yet."""
        entry = self._call(key.call_id).entries.get(key.digest)
        return entry.result if entry else None

    def settle(self, key: IdempotencyKey, result: ToolResult) -> None:
        """Keep the one terminal result."""
        self._call(key.call_id).entries.setdefault(key.digest, _Entry()).result = result

    def forget(self, call_id: str) -> None:
        """Drop a call that is over."""
        self._calls.pop(call_id, None)

    def _call(self, call_id: str) -> _CallEntries:
        if call_id not in self._calls:
            self._make_room()
            self._calls[call_id] = _CallEntries()
        self._calls.move_to_end(call_id)
        return self._calls[call_id]

    def _make_room(self) -> None:
        for call_id, entries in list(self._calls.items()):
            if len(self._calls) < _CALLS:
                return
            if not entries.busy:
                del self._calls[call_id]
