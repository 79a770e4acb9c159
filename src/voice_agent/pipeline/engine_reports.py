"""What engines report about themselves while they work, written into the call's journal."""

from collections.abc import Callable

from voice_agent.core.events import EngineUsed
from voice_agent.core.usage import EngineSwitched, Usage
from voice_agent.pipeline.journal import Journal

EngineReport = Usage | EngineSwitched


class EngineReports:
    """Prices paid work and notes who took over from whom."""

    def __init__(self, journal: Journal, price: Callable[[Usage], float | None]) -> None:
        """`price` gives USD, None where nobody knows."""
        self._journal = journal
        self._price = price

    def note(self, report: EngineReport, turn: int = 0) -> None:
        """An engine reports something that belongs to a turn, 0 for the whole call."""
        if isinstance(report, EngineSwitched):
            self._journal.write(report, turn)
            return
        used = EngineUsed(
            report.provider,
            report.model,
            {str(unit): amount for unit, amount in report.amounts.items()},
            self._price(report),
            report.estimated,
        )
        self._journal.write(used, turn)
