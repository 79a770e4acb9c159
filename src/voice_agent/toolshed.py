"""Puts the business's tools and documents together from the settings."""

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Final

import structlog

from voice_agent.config import Settings
from voice_agent.core.clock import Clock
from voice_agent.core.errors import StorageError
from voice_agent.knowledge.assembly import open_knowledge
from voice_agent.knowledge.retrieve import Knowledge
from voice_agent.storage.sql.calendar import public_holidays
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.repositories.appointments import SqlAppointments
from voice_agent.storage.sql.repositories.customers import SqlCustomers
from voice_agent.storage.sql.repositories.departments import SqlDepartments
from voice_agent.storage.sql.repositories.feedback import SqlFeedback
from voice_agent.storage.sql.repositories.orders import SqlOrders
from voice_agent.storage.sql.repositories.transfers import SqlTransfers
from voice_agent.storage.sql.repositories.unanswered import SqlUnansweredQuestions
from voice_agent.tools.business import Business
from voice_agent.tools.custom.catalogue import open_custom_tools
from voice_agent.tools.custom.settings import CustomToolSettings
from voice_agent.tools.registry import builtin_tools
from voice_agent.tools.runner import ToolRunner, allow_all

log = structlog.get_logger(__name__)

DOCUMENTS: Final = "knowledge"
INDEX: Final = "knowledge-index"
WEIGHTS: Final = "cache"
"""Folders in the data folder."""


@dataclass(frozen=True, slots=True)
class Toolshed:
    """What the agent can do and look up."""

    tools: ToolRunner
    knowledge: Knowledge
    unanswered: SqlUnansweredQuestions

    async def read_documents(self) -> None:
        """Bring the index up to date; meanwhile it answers as it was left."""
        try:
            await self.knowledge.sync()
        except StorageError as error:
            log.warning("knowledge.not_indexed", reason=str(error))


async def open_toolshed(
    settings: Settings, database: Database, clock: Clock, stack: AsyncExitStack
) -> Toolshed:
    """The built-in tools, those of the settings and the documents."""
    unanswered = SqlUnansweredQuestions(database)
    knowledge = await open_settings_knowledge(settings)
    business = Business(
        orders=SqlOrders(database),
        departments=SqlDepartments(database, public_holidays(settings.business_region)),
        transfers=SqlTransfers(database),
        clock=clock,
        appointments=SqlAppointments(database),
        customers=SqlCustomers(database),
        feedback=SqlFeedback(database),
        knowledge=knowledge,
        unanswered=unanswered,
        region=settings.business_region,
    )
    tools = ToolRunner(builtin_tools(), business.services(), authorize=allow_all, clock=clock)
    custom = CustomToolSettings.read(
        settings.custom_tools, settings.mcp_servers, settings.outbound_allowed
    )
    await stack.enter_async_context(open_custom_tools(custom, clock=clock, offer=tools.extend))
    return Toolshed(tools, knowledge, unanswered)


async def open_settings_knowledge(settings: Settings) -> Knowledge:
    """The documents that the settings name."""
    data = settings.data_dir
    return await open_knowledge(
        settings.knowledge_dir or data / DOCUMENTS,
        data / INDEX,
        data / WEIGHTS,
        samples=settings.sample_data,
        threshold=settings.knowledge_threshold,
    )
