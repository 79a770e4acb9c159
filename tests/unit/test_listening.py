"""What was understood while the caller spoke is there when the turn ends."""

from datetime import UTC, datetime

import anyio
import pytest

from voice_agent.core.understanding import Intent, Understanding
from voice_agent.engines.nlu.listening import Listening

pytestmark = pytest.mark.anyio

NOW = datetime(2026, 11, 23, 14, tzinfo=UTC)
QUESTION = "What's your order number?"


class Slow:
    """Understands after a moment; sure of nothing that contains "odd"."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds
        self.asked: list[tuple[str, bool]] = []

    async def understand(
        self, text: str, *, now: datetime, previous_agent_text: str = "", interim: bool = False
    ) -> Understanding:
        del now, previous_agent_text
        self.asked.append((text, interim))
        await anyio.sleep(self.seconds)
        tier = "" if "odd" in text and interim else "llm" if "odd" in text else "regex"
        return Understanding(Intent.HELP, 0.9, tier, latency_ms=5.0)


async def test_a_final_text_that_was_heard_before_takes_no_time() -> None:
    slow = Slow()
    listening = Listening(slow, lambda: NOW)
    async with anyio.create_task_group() as tasks:
        listening.hear("i need help", tasks)
    found = await listening.final("I need help.")
    assert found.latency_ms == 0.0
    assert slow.asked == [("i need help", True)]


async def test_a_final_text_that_is_new_is_understood_without_cost() -> None:
    slow = Slow()
    found = await Listening(slow, lambda: NOW).final("help")
    assert found.latency_ms == 5.0
    assert slow.asked == [("help", True)]


async def test_the_same_words_in_answer_to_something_else_are_understood_anew() -> None:
    slow = Slow()
    listening = Listening(slow, lambda: NOW)
    async with anyio.create_task_group() as tasks:
        listening.hear("four two", tasks)
    await listening.final("four two", QUESTION)
    assert len(slow.asked) == 2


async def test_of_many_interim_texts_only_the_newest_is_worked_on() -> None:
    slow = Slow(0.01)
    listening = Listening(slow, lambda: NOW)
    async with anyio.create_task_group() as tasks:
        for text in ("where", "where is", "where is my", "where is my order"):
            listening.hear(text, tasks)
            await anyio.lowlevel.checkpoint()
    assert [text for text, _ in slow.asked] == ["where", "where is my order"]


async def test_when_nobody_was_sure_the_paid_tier_is_asked_beside_the_reply() -> None:
    slow, told = Slow(), list[tuple[str, str]]()
    listening = Listening(slow, lambda: NOW, later=lambda t, found: told.append((t, found.tier)))
    found = await listening.final("odd words")
    assert found.tier == ""
    async with anyio.create_task_group() as tasks:
        listening.consult("odd words", found, tasks)
    assert told == [("odd words", "llm")]
    async with anyio.create_task_group() as tasks:
        listening.consult("help", await listening.final("help"), tasks)
    assert len(told) == 1


async def test_a_caller_who_hangs_up_leaves_no_work_behind() -> None:
    slow = Slow(60)
    listening = Listening(slow, lambda: NOW)
    async with anyio.create_task_group() as tasks:
        listening.hear("where", tasks)
        await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    async with anyio.create_task_group() as tasks:
        listening.hear("help", tasks)
        await anyio.lowlevel.checkpoint()
        assert len(slow.asked) == 2
        tasks.cancel_scope.cancel()


async def test_what_a_turn_held_is_forgotten_with_it() -> None:
    slow = Slow()
    listening = Listening(slow, lambda: NOW)
    await listening.final("help")
    listening.forget()
    await listening.final("help")
    assert len(slow.asked) == 2
