"""What a model is shown of a long call."""

from collections.abc import Callable, Coroutine
from typing import Any

import anyio
from hypothesis import given
from hypothesis import strategies as st

from support.dialogue import Dialogue
from support.scripted_dialogue import assert_valid_history
from voice_agent.core.chat import (
    ChatEvent,
    ChatRequest,
    Finished,
    FinishReason,
    Message,
    Role,
    TextDelta,
    ToolCall,
)
from voice_agent.core.usage import Unit, Usage
from voice_agent.engines.llm.hosted_history import AgentTurn, UserTurn, history_turns, system_text
from voice_agent.engines.llm.scripted import ScriptedModel, says
from voice_agent.memory.conversation import (
    FEWEST_TURNS,
    ConversationMemory,
    SummarisedModel,
    Summary,
    older_part,
    visible,
)
from voice_agent.memory.summariser import Summariser
from voice_agent.memory.wording import load_wording
from voice_agent.simulation.virtual_time import run_virtual

WORDING = load_wording("en")
INTRO = WORDING.say("earlier_in_call")


def exchange(number: int, *, rounds: int = 0, answered: bool = True) -> list[Message]:
    """One turn: the caller's words, rounds of tools, and what was heard of the answer."""
    messages = [Message(Role.USER, f"question {number}")]
    for index in range(rounds):
        calls = tuple(
            ToolCall(f"call-{number}-{index}-{side}", "look", {"number": number})
            for side in range(index + 1)
        )
        messages.append(Message(Role.ASSISTANT, "One moment.", tool_calls=calls))
        results = (Message(Role.TOOL, '{"found": true}', call_id=call.id) for call in calls)
        messages.extend(results)
    if answered:
        messages.append(Message(Role.ASSISTANT, f"answer {number}"))
    return messages


turns = st.builds(lambda rounds, answered: (rounds, answered), st.integers(0, 3), st.booleans())


@st.composite
def histories(draw: st.DrawFn) -> list[Message]:
    """What a call may leave: an opening, turns with tools, answers nobody heard, prompts."""
    messages: list[Message] = []
    if draw(st.booleans()):
        messages.append(Message(Role.ASSISTANT, "Hello, how can I help?"))
    for number, (rounds, answered) in enumerate(draw(st.lists(turns, max_size=30))):
        messages += exchange(number, rounds=rounds, answered=answered)
        if draw(st.booleans()):
            messages.append(Message(Role.ASSISTANT, "Are you still there?"))
    return messages


def memory_of(max_turns: int = 4, model: ScriptedModel | None = None) -> "Watched":
    return Watched(max_turns, model)


class Watched:
    """A memory whose background work is run when the test says so."""

    def __init__(self, max_turns: int, model: ScriptedModel | None) -> None:
        self.waiting: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self.memory = ConversationMemory(
            Summariser(model, WORDING), self.waiting.append, max_turns=max_turns, intro=INTRO
        )

    async def work(self) -> None:
        while self.waiting:
            await self.waiting.pop(0)()

    def grow(self, messages: list[Message]) -> None:
        """As in a call: before every answer, with the history so far."""

        async def run() -> None:
            for end in (i for i, m in enumerate(messages) if m.role is Role.USER):
                self.memory.consider(messages[: end + 1])
                await self.work()

        anyio.run(run)


@given(histories(), st.integers(1, 8))
def test_whatever_the_call_was_like_what_is_shown_is_a_valid_history(
    messages: list[Message], max_turns: int
) -> None:
    watched = memory_of(max_turns)
    watched.grow(messages)
    shown = watched.memory.visible(messages)
    assert_valid_history(shown)
    request = ChatRequest(shown, system="Be brief.")
    assert system_text(request).startswith("Be brief.")
    for turn in history_turns(shown):
        assert isinstance(turn, UserTurn | AgentTurn)
        if isinstance(turn, AgentTurn):
            assert all("cancelled" not in exchange.result for exchange in turn.exchanges)


@given(histories(), st.integers(1, 8))
def test_the_newest_turns_are_always_shown_word_for_word(
    messages: list[Message], max_turns: int
) -> None:
    watched = memory_of(max_turns)
    watched.grow(messages)
    shown = watched.memory.visible(messages)
    starts = [i for i, message in enumerate(messages) if message.role is Role.USER]
    newest = messages[starts[-2] :] if len(starts) >= 2 else messages
    assert list(shown[len(shown) - len(newest) :]) == newest
    said = [message for message in shown if message.role is Role.USER]
    assert len(said) <= max(max_turns, FEWEST_TURNS)


@given(histories(), histories(), st.integers(0, 60))
def test_a_summary_of_another_call_or_a_trimmed_one_never_parts_a_tool_from_its_result(
    messages: list[Message], other: list[Message], dropped: int
) -> None:
    for covered in (tuple(other), tuple(messages[:dropped])):
        assert_valid_history(visible(messages, Summary("notes", covered), INTRO))
    starts = [0, *(i for i, message in enumerate(messages) if message.role is Role.USER)]
    for start in starts:
        summary = Summary("notes", tuple(messages[: older_part(messages, 4)]))
        assert_valid_history(visible(messages[start:], summary, INTRO))


def test_a_short_call_is_shown_as_it_is() -> None:
    messages = [message for number in range(4) for message in exchange(number)]
    watched = memory_of(max_turns=4)
    watched.grow(messages)
    assert watched.memory.summary is None
    assert watched.memory.visible(messages) == tuple(messages)


def test_the_summary_stands_in_place_of_the_old_turns() -> None:
    messages = [message for number in range(6) for message in exchange(number, rounds=1)]
    watched = memory_of(model=ScriptedModel(says("The caller asked five things.")))
    watched.grow(messages)
    shown = watched.memory.visible(messages)
    assert shown[0].role is Role.SYSTEM
    assert "The caller asked five things." in shown[0].text
    assert "question 0" not in str(shown)
    assert list(shown[1:]) == messages[messages.index(shown[1]) :]
    assert shown[1].text == "question 3"


def test_a_second_summary_builds_on_the_first() -> None:
    model = ScriptedModel(says("First notes."), says("Second notes."))
    watched = memory_of(model=model)
    messages = [message for number in range(9) for message in exchange(number)]
    watched.grow(messages)
    assert len(model.requests) == 2
    question = model.requests[1].messages[0].text
    assert "First notes." in question
    assert "question 0" not in question
    assert watched.memory.summary is not None
    assert watched.memory.summary.text == "Second notes."


def test_while_a_summary_is_made_the_model_is_shown_everything_and_nobody_waits() -> None:
    watched = memory_of()
    messages = [message for number in range(6) for message in exchange(number)]
    watched.memory.consider(messages)
    watched.memory.consider(messages)
    assert len(watched.waiting) == 1
    assert watched.memory.visible(messages) == tuple(messages)


def test_the_answer_under_way_is_never_summed_up() -> None:
    model = ScriptedModel(says("Notes."))
    watched = memory_of(model=model)
    messages = [message for number in range(5) for message in exchange(number, rounds=1)]
    del messages[-1]
    watched.grow(messages)
    (request,) = model.requests
    assert "One moment." in request.messages[0].text
    assert "question 4" not in request.messages[0].text
    assert "question 3" not in request.messages[0].text


def test_a_model_sees_the_summary_and_reports_what_it_cost() -> None:
    cost = Usage("listed", "small", {Unit.INPUT_TOKENS: 3})
    minutes = ScriptedModel([cost, TextDelta("Notes."), Finished(FinishReason.STOP)])
    answering = ScriptedModel(says("Yes."))

    async def call() -> list[ChatEvent]:
        heard: list[ChatEvent] = []
        async with anyio.create_task_group() as tasks:
            memory = ConversationMemory(Summariser(minutes, WORDING), tasks.start_soon, max_turns=4)
            model = SummarisedModel(answering, memory)
            messages = [message for number in range(5) for message in exchange(number)]
            for _ in range(3):
                request = ChatRequest(tuple(messages), system="Be brief.")
                heard += [event async for event in model.stream(request)]
                await anyio.sleep(1)
        return heard

    heard = run_virtual(call)
    assert heard.count(cost) == 1
    assert [len(request.messages) for request in answering.requests] == [10, 5, 5]
    assert answering.requests[1].messages[0].role is Role.SYSTEM
    assert answering.requests[1].system == "Be brief."


def test_leaving_an_answer_early_closes_the_models_stream() -> None:
    answering = ScriptedModel(says("One", "two"))

    async def call() -> None:
        watched = memory_of()
        model = SummarisedModel(answering, watched.memory)
        stream = model.stream(ChatRequest(()))
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        assert answering.closed == 1

    run_virtual(call)


def test_the_embedded_dialogue_goes_on_from_a_shortened_history() -> None:
    dialogue = Dialogue()
    for _ in range(6):
        dialogue.hear("What are your opening hours?")
    watched = memory_of()
    watched.grow(dialogue.messages)
    dialogue.messages = list(watched.memory.visible(dialogue.messages))
    assert dialogue.messages[0].role is Role.SYSTEM
    assert dialogue.hear("Where is order 1042?") == [("check_order_status", {"order_id": "1042"})]
