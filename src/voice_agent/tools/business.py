"""What tools work on. A tool asks for an entry by a keyword-only parameter of its name."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from voice_agent.core.clock import Clock
from voice_agent.tools.builtin.check_order_status import Orders
from voice_agent.tools.builtin.transfer_to_human import Transfers
from voice_agent.tools.departments import Departments


@dataclass(frozen=True, slots=True)
class Business:
    """The business's data behind small protocols, and the time."""

    orders: Orders
    departments: Departments
    transfers: Transfers
    clock: Clock

    def services(self) -> Mapping[str, object]:
        """The entries by name."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}
