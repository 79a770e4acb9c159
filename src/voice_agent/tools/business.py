"""What tools work on. A tool asks for an entry by a keyword-only parameter of its name."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from voice_agent.core.clock import Clock
from voice_agent.core.knowledge import KnowledgeSearch, UnansweredQuestions
from voice_agent.tools.appointments import Appointments
from voice_agent.tools.builtin.check_order_status import Orders
from voice_agent.tools.builtin.collect_feedback import FeedbackBook
from voice_agent.tools.builtin.transfer_to_human import Transfers
from voice_agent.tools.customers import Customers
from voice_agent.tools.departments import Departments
from voice_agent.tools.patience import Patience
from voice_agent.tools.verification import Verifications


@dataclass(frozen=True, slots=True)
class Business:
    """The business's data behind small protocols, and the time.

    Tools of an entry that is None are not offered. `region` is the business's country, with
    its state or province where it has one (`US-NY`): numbers without a country code are its.
    """

    orders: Orders
    departments: Departments
    transfers: Transfers
    clock: Clock
    appointments: Appointments | None = None
    customers: Customers | None = None
    feedback: FeedbackBook | None = None
    knowledge: KnowledgeSearch | None = None
    unanswered: UnansweredQuestions | None = None
    region: str = "US"
    verifications: Verifications = field(default_factory=Verifications)
    patience: Patience = field(default_factory=Patience)

    def services(self) -> Mapping[str, object]:
        """The entries by name."""
        return {entry.name: getattr(self, entry.name) for entry in fields(self)}
