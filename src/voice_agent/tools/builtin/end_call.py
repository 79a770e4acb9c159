"""Goodbye."""

from voice_agent.core.chat import ToolEffect
from voice_agent.tools.base import Access, Tool, ToolOutcome

_GOODBYE = "Thank you for calling. Goodbye."


async def end_call(reason: str | None = None) -> ToolOutcome:
    """End the conversation politely once the caller is finished; say the goodbye you get back.

    Args:
        reason: Why the call ends, for the record.
    """
    return ToolOutcome({"message": _GOODBYE, "reason": reason}, ToolEffect.END_CALL)


TOOL = Tool.of(end_call, Access.IRREVERSIBLE)
