"""Numbers what happens in a call and hands it to whoever keeps or shows it."""

from collections.abc import Callable, Sequence

from voice_agent.core.call import Call
from voice_agent.core.clock import Clock
from voice_agent.core.events import CallEvent, CallEventPayload
from voice_agent.core.ports import CallLog

Reader = Callable[[CallEvent], None]
"""Takes an event; must not block."""


class CallLogs:
    """Several call logs as one."""

    def __init__(self, *logs: CallLog) -> None:
        self._logs = logs

    def begin(self, call: Call) -> None:
        """Note a new call everywhere."""
        for log in self._logs:
            log.begin(call)

    def append(self, event: CallEvent) -> None:
        """Note an event everywhere."""
        for log in self._logs:
            log.append(event)


class Journal:
    """The ordered events of one call; every reader gets every event."""

    def __init__(self, call_id: str, clock: Clock, readers: Sequence[Reader]) -> None:
        self._call_id = call_id
        self._clock = clock
        self._readers = tuple(readers)
        self._started = clock.now()
        self._seq = 0

    @property
    def elapsed(self) -> float:
        """Seconds since the call began."""
        return self._clock.now() - self._started

    def at(self, moment: float) -> float:
        """A moment of the call's clock as seconds since the call began."""
        return moment - self._started

    def write(self, payload: CallEventPayload, turn: int = 0) -> None:
        """Note that something happened now."""
        event = CallEvent(self._call_id, self._seq, self.elapsed, turn, payload)
        self._seq += 1
        for reader in self._readers:
            reader(event)
