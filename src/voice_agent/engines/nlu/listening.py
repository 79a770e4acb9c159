"""Understanding while the caller still speaks, so that a turn's end waits for nothing.

Every interim text is understood by the tiers that cost nothing. When the final text was one of
them it is known already; when those tiers were unsure the paid one is asked beside the reply,
never before it.
"""

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import anyio
import anyio.abc

from voice_agent.core.understanding import Understander, Understanding

_REMEMBERED: Final = 16
"""Texts of one turn; interim texts replace each other."""

_Key = tuple[tuple[str, ...], str]


@dataclass(slots=True)
class _Work:
    text: str
    previous_agent_text: str


class Listening:
    """One call's; every method is called on the event loop."""

    def __init__(
        self,
        understander: Understander,
        now: Callable[[], datetime],
        *,
        later: Callable[[str, Understanding], None] = lambda _text, _found: None,
    ) -> None:
        """`now` is the aware time. `later` is told what the paid tier found, with the text."""
        self._understander = understander
        self._now = now
        self._later = later
        self._known: OrderedDict[_Key, Understanding] = OrderedDict()
        self._waiting: _Work | None = None
        self._busy = False

    def hear(self, text: str, tasks: anyio.abc.TaskGroup, previous_agent_text: str = "") -> None:
        """An interim text: understand it soon; never blocks. A newer one takes its place."""
        if not text.strip() or _key(text, previous_agent_text) in self._known:
            return
        self._waiting = _Work(text, previous_agent_text)
        if not self._busy:
            self._busy = True
            tasks.start_soon(self._work)

    async def final(self, text: str, previous_agent_text: str = "") -> Understanding:
        """What a final text means, by the tiers that cost nothing; at once if it was heard."""
        known = self._known.get(_key(text, previous_agent_text))
        if known is not None:
            return replace(known, latency_ms=0.0)
        return await self._understand(_Work(text, previous_agent_text))

    def consult(
        self,
        text: str,
        found: Understanding,
        tasks: anyio.abc.TaskGroup,
        previous_agent_text: str = "",
    ) -> None:
        """When nobody was sure: ask the paid tier beside the reply; `later` is told."""
        if not found.tier and text.strip():
            tasks.start_soon(self._consult, _Work(text, previous_agent_text))

    def forget(self) -> None:
        """The turn is over."""
        self._known.clear()
        self._waiting = None

    async def _work(self) -> None:
        try:
            while (work := self._waiting) is not None:
                self._waiting = None
                await self._understand(work)
        finally:
            self._busy = False

    async def _understand(self, work: _Work) -> Understanding:
        found = await self._understander.understand(
            work.text, now=self._now(), previous_agent_text=work.previous_agent_text, interim=True
        )
        self._known[_key(work.text, work.previous_agent_text)] = found
        while len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return found

    async def _consult(self, work: _Work) -> None:
        found = await self._understander.understand(
            work.text, now=self._now(), previous_agent_text=work.previous_agent_text
        )
        self._later(work.text, found)


def _key(text: str, previous_agent_text: str) -> _Key:
    """The same words, whatever their capitals and punctuation."""
    return tuple(re.findall(r"[\w']+", text.casefold())), previous_agent_text
