"""How did we do?"""

from datetime import datetime
from typing import Annotated, Final, Protocol

from pydantic import BeforeValidator, Field

from voice_agent.core.chat import JsonObject, ToolContext
from voice_agent.core.clock import Clock
from voice_agent.tools.base import Access, Tool
from voice_agent.tools.texts import LongText

_THANKS: Final = "Thank you for your feedback."


class FeedbackBook(Protocol):
    """What callers thought of it."""

    async def note(self, call_id: str, rating: int, comment: str, at: datetime) -> int:
        """Keep a call's rating and give its number."""
        ...


def _no_truth(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("give a number from 1 to 5")  # noqa: TRY004 - pydantic's way
    return value


Rating = Annotated[int, BeforeValidator(_no_truth), Field(ge=1, le=5)]


async def collect_feedback(
    rating: Rating,
    comment: LongText | None = None,
    *,
    feedback: FeedbackBook,
    context: ToolContext,
    clock: Clock,
) -> JsonObject:
    """Record how satisfied the caller is.

    Args:
        rating: From 1 (bad) to 5 (very good), as the caller said it.
        comment: What the caller said about it, in the caller's words.
        feedback: Where it is kept.
        context: Which call it is about.
        clock: Tells what is now.
    """
    number = await feedback.note(context.call_id, rating, comment or "", clock.wall())
    return {"feedback_id": number, "rating": rating, "thanks": _THANKS}


TOOL = Tool.of(collect_feedback, Access.WRITE)
