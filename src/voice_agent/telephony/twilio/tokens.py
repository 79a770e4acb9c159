"""One-time tokens that let a media stream in only for a call we announced."""

import hmac
import secrets
from dataclasses import dataclass
from typing import Final

from voice_agent.core.call import Call

TOKEN_SECONDS: Final = 60.0
"""Twilio opens the stream within moments of reading the TwiML."""
MAX_WAITING: Final = 10_000
"""Calls announced whose stream has not come yet; the oldest is forgotten beyond it."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    token: str
    call: Call
    until: float


class StreamTokens:
    """Tokens by call; time is an argument, in seconds of any monotonic clock."""

    def __init__(self, *, seconds: float = TOKEN_SECONDS, capacity: int = MAX_WAITING) -> None:
        """A token lives `seconds`; at most `capacity` calls wait at once."""
        self._seconds = seconds
        self._capacity = capacity
        self._waiting: dict[str, _Waiting] = {}

    def __len__(self) -> int:
        """Calls whose stream is awaited, expired ones included until they are swept."""
        return len(self._waiting)

    def issue(self, call: Call, now: float) -> str:
        """A new token for the call with this id; it replaces an earlier one."""
        self._sweep(now)
        self._waiting.pop(call.id, None)
        if len(self._waiting) >= self._capacity:
            del self._waiting[next(iter(self._waiting))]
        token = secrets.token_urlsafe(32)
        self._waiting[call.id] = _Waiting(token, call, now + self._seconds)
        return token

    def redeem(self, token: str, call_sid: str, now: float) -> Call | None:
        """The announced call, once; None for a token unknown, used, expired or another's."""
        waiting = self._waiting.get(call_sid)
        if waiting is None:
            return None
        same = hmac.compare_digest(token.encode("utf-8", "replace"), waiting.token.encode())
        if not same or now > waiting.until:
            return None
        del self._waiting[call_sid]
        return waiting.call

    def _sweep(self, now: float) -> None:
        """Tokens are kept in the order of their end."""
        while self._waiting:
            oldest = next(iter(self._waiting))
            if self._waiting[oldest].until >= now:
                return
            del self._waiting[oldest]
