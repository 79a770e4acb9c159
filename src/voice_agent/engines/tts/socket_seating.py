"""Who sits where: clauses ("contexts") shared out over sockets. Pure bookkeeping.

A context takes a seat on one socket. Where the provider counts contexts until it has said
its last word about them, one that nobody listens to any more keeps its seat until then:

        t1 ██████ left ░░░░ final          █ somebody listens   ░ the provider still counts it
        t2       ██████ left ░░░░░░ final
        t3              ██████ …           t1 and t2 still sit when t3 comes
"""

from dataclasses import dataclass, field
from itertools import count
from typing import Final

FINAL_WITHIN: Final = 5.0
"""How long a context that was left may take to end (s) before its socket is given up."""


@dataclass(frozen=True, slots=True)
class SocketRules:
    """How a provider's sockets are shared.

    `seats` contexts fit on one socket; with `until_final` they count until their end came.
    `keep_alive` is sent after `keep_alive_every` idle seconds, and a socket that nobody used
    for `longest_idle` seconds is closed.
    """

    seats: int
    until_final: bool
    longest_idle: float
    keep_alive: str = ""
    keep_alive_every: float = 60.0


@dataclass(frozen=True, slots=True)
class Sweep:
    """Sockets that need something now."""

    keep_alive: tuple[int, ...]
    close: tuple[int, ...]


@dataclass(slots=True)
class _Socket:
    key: str
    used: float
    told: float
    listening: set[str] = field(default_factory=set)
    left: dict[str, float] = field(default_factory=dict)
    retired: bool = False

    @property
    def taken(self) -> int:
        return len(self.listening) + len(self.left)


class Seating:
    """Every open socket and the contexts on it; `now` is any clock's seconds."""

    def __init__(self, rules: SocketRules) -> None:
        """Nobody sits anywhere yet."""
        self._rules = rules
        self._numbers = count(1)
        self._sockets: dict[int, _Socket] = {}
        self._socket_of: dict[str, int] = {}

    def free(self, key: str) -> int | None:
        """The socket to this address that has a free seat and the fewest contexts."""
        free = [
            (socket.taken, number)
            for number, socket in self._sockets.items()
            if socket.key == key and not socket.retired and socket.taken < self._rules.seats
        ]
        return min(free)[1] if free else None

    def add(self, key: str, now: float) -> int:
        """A new socket's number."""
        number = next(self._numbers)
        self._sockets[number] = _Socket(key, used=now, told=now)
        return number

    def sit(self, number: int, context: str, now: float) -> None:
        """Give a context a seat on a socket that has one free."""
        socket = self._sockets[number]
        socket.listening.add(context)
        socket.used = socket.told = now
        self._socket_of[context] = number

    def leave(self, context: str, now: float, *, begun: bool) -> int | None:
        """Nobody listens to the context any more; `begun` if the provider knows of it.

        Returns the socket if it should be closed now: retired, and nobody left to listen.
        """
        number = self._socket_of.get(context)
        if number is None:
            return None
        socket = self._sockets[number]
        if context in socket.listening:
            socket.listening.discard(context)
            socket.used = socket.told = now
            if begun and self._rules.until_final:
                socket.left[context] = now
            else:
                del self._socket_of[context]
        return number if socket.retired and not socket.listening else None

    def final(self, context: str) -> None:
        """The provider has ended the context."""
        number = self._socket_of.pop(context, None)
        if number is not None:
            self._sockets[number].left.pop(context, None)
            self._sockets[number].listening.discard(context)

    def retire(self, number: int) -> bool:
        """No new contexts for this socket; true if it can be closed at once."""
        socket = self._sockets.get(number)
        if socket is None:
            return False
        socket.retired = True
        return not socket.listening

    def remove(self, number: int) -> tuple[str, ...]:
        """The socket is gone; these contexts were listened to."""
        socket = self._sockets.pop(number, None)
        if socket is None:
            return ()
        for context in (*socket.listening, *socket.left):
            self._socket_of.pop(context, None)
        return tuple(sorted(socket.listening))

    def sweep(self, now: float) -> Sweep:
        """What is due; a socket with a context that should have ended by now is retired."""
        for socket in self._sockets.values():
            if any(now - since > FINAL_WITHIN for since in socket.left.values()):
                socket.retired = True
        quiet = {n: s for n, s in self._sockets.items() if not s.listening}
        close = tuple(number for number, socket in quiet.items() if self._useless(socket, now))
        awake = tuple(n for n, s in quiet.items() if n not in close and self._drowsy(s, now))
        for number in awake:
            self._sockets[number].told = now
        return Sweep(awake, close)

    def _drowsy(self, socket: _Socket, now: float) -> bool:
        rules = self._rules
        return bool(rules.keep_alive) and now - socket.told >= rules.keep_alive_every

    def _useless(self, socket: _Socket, now: float) -> bool:
        return socket.retired or now - socket.used >= self._rules.longest_idle
