"""One server of simulated providers for all tests of a module."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pydantic import BaseModel

from support.simulated_providers import desk, serving
from voice_agent.simulation.providers.desk import Desk, Timing
from voice_agent.simulation.providers.faults import Fault


class Vendor:
    """A provider of that server; as new for each test, but for what it remembers on purpose."""

    def __init__(self, name: str, simulated: Desk, base: str) -> None:
        self.name = name
        self.desk = simulated
        self.base = f"{base}/{name}"
        self._synthesizer = simulated.synthesizer

    def renew(self) -> None:
        self.desk.rules.clear()
        self.desk.faults.clear()
        self.desk.journal.clear()
        self.desk.timings = {}
        self.desk.synthesizer = self._synthesizer

    def rule(self, rules: BaseModel) -> None:
        self.desk.rules[self.name] = rules

    def order(self, fault: Fault) -> None:
        self.desk.faults.order(fault)

    def take_time(self, first: float = 0.0, between: float = 0.0) -> None:
        self.desk.timings = {self.name: Timing(first=first, between=between)}

    @property
    def spoken(self) -> list[str]:
        """What was said, text by text."""
        seen = self.desk.journal
        return [entry.body["spoken"] for entry in seen if entry.path.endswith("#spoken")]


@asynccontextmanager
async def serving_one(name: str) -> AsyncIterator[Vendor]:
    """The provider of that name; "" for the address of them all."""
    simulated = desk()
    async with serving(simulated) as base:
        yield Vendor(name, simulated, base)
