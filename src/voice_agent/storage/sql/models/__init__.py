"""The tables, by topic."""

from voice_agent.storage.sql.models.appointments import AppointmentRow
from voice_agent.storage.sql.models.base import Base
from voice_agent.storage.sql.models.calls import CallEventRow, CallRow
from voice_agent.storage.sql.models.customers import CustomerRow
from voice_agent.storage.sql.models.departments import (
    BusinessHoursRow,
    DepartmentRow,
    HolidayRow,
)
from voice_agent.storage.sql.models.feedback import FeedbackRow
from voice_agent.storage.sql.models.knowledge import UnansweredQuestionRow
from voice_agent.storage.sql.models.memory import ConversationTurnRow, UserMemoryRow
from voice_agent.storage.sql.models.orders import OrderItemRow, OrderRow
from voice_agent.storage.sql.models.seeds import SeedRow
from voice_agent.storage.sql.models.transfers import TransferRow
from voice_agent.storage.sql.models.understanding import NluLedgerRow, NluProposalRow

__all__ = [
    "AppointmentRow",
    "Base",
    "BusinessHoursRow",
    "CallEventRow",
    "CallRow",
    "ConversationTurnRow",
    "CustomerRow",
    "DepartmentRow",
    "FeedbackRow",
    "HolidayRow",
    "NluLedgerRow",
    "NluProposalRow",
    "OrderItemRow",
    "OrderRow",
    "SeedRow",
    "TransferRow",
    "UnansweredQuestionRow",
    "UserMemoryRow",
]
