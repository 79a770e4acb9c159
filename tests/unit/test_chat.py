"""A text conversation with a scripted model, on a clock that jumps."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.scripted_dialogue import (
    ScriptedTools,
    asks,
    assert_valid_history,
    result_of,
)
from voice_agent.core.call import Call, Channel, Direction, Disposition
from voice_agent.core.chat import Message, Role, ToolCall, ToolEffect, ToolResult
from voice_agent.core.clock import LoopClock
from voice_agent.core.errors import ProviderUnavailable, TransportClosed
from voice_agent.core.events import AgentSaid, CallEnded, CallEvent, CallStarted, Trouble
from voice_agent.engines.llm.scripted import ScriptedModel, says
from voice_agent.pipeline.chat import ChatLimits, ChatPhrases, ChatSession, forget_oldest
from voice_agent.simulation.virtual_time import run_virtual
from voice_agent.transports.chat_protocol import (
    CancelReply,
    ChatInput,
    ChatOutput,
    ReplyDelta,
    ReplyDone,
    ToolUsed,
    UserMessage,
)

CALL = Call("chat-1", Channel.CHAT, Direction.INBOUND, datetime(2026, 1, 1, tzinfo=UTC))
LOOK = ToolCall("t1", "look", {"order": 1042})
ASK = UserMessage("where is order 1042")
SORRY = ChatPhrases()

Act = ChatInput | float
"""What the person does: writes, cancels, or waits some seconds."""


@dataclass
class Log:
    """Keeps everything."""

    calls: list[Call] = field(default_factory=list)
    events: list[CallEvent] = field(default_factory=list)

    def begin(self, call: Call) -> None:
        self.calls.append(call)

    def append(self, event: CallEvent) -> None:
        self.events.append(event)

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


@dataclass
class Held:
    """A conversation that is over."""

    disposition: Disposition
    log: Log
    sent: list[ChatOutput]
    model: ScriptedModel

    def texts(self) -> list[str]:
        return [output.text for output in self.sent if isinstance(output, ReplyDone)]


def hold(
    model: ScriptedModel,
    acts: Sequence[Act],
    tools: ScriptedTools | None = None,
    *,
    stuck_after: int = 10**6,
) -> Held:
    """Run one conversation on virtual time; the person leaves after the last act."""
    log, sent = Log(), list[ChatOutput]()

    async def person() -> AsyncIterator[ChatInput]:
        for act in acts:
            if isinstance(act, float):
                await anyio.sleep(act)
            else:
                yield act

    async def send(output: ChatOutput) -> None:
        if len(sent) >= stuck_after:
            raise TransportClosed("stuck")
        sent.append(output)

    async def main() -> Disposition:
        chat = ChatSession(model, tools or ScriptedTools(), lambda: "Be brief.", log, LoopClock())
        return await chat.run(CALL, person(), send)

    return Held(run_virtual(main), log, sent, model)


def test_a_question_is_answered_in_pieces_and_recorded_like_a_call() -> None:
    held = hold(ScriptedModel(asks(LOOK), says("It ", "left.")), [ASK, 1.0])
    assert held.sent == [
        ToolUsed(1, "look", {"order": 1042}, ok=True),
        ReplyDelta(1, "It "),
        ReplyDelta(1, "left."),
        ReplyDone(1, "It left."),
    ]
    assert held.disposition is Disposition.CALLER_HUNG_UP
    assert held.log.calls == [CALL]
    assert held.log.kinds() == [
        "CallStarted",
        "CallerSaid",
        "ToolStarted",
        "ToolFinished",
        "AgentSaid",
        "CallEnded",
    ]
    assert [event.seq for event in held.log.events] == list(range(6))
    assert isinstance(held.log.events[0].payload, CallStarted)


def test_nobody_reads_tags_that_are_for_a_voice() -> None:
    answer = says("It <emph", "asis>left</emphasis>.<break time='1s'/>", "Bye <3")
    held = hold(ScriptedModel(answer), [ASK, 1.0, ASK, 1.0])
    assert held.texts()[0] == "It left. Bye <3"
    assert "".join(o.text for o in held.sent[:-2] if isinstance(o, ReplyDelta) and o.turn == 1) == (
        "It left. Bye <3"
    )
    assert held.model.requests[1].messages[1].text == "It left. Bye <3"


def test_the_history_of_a_round_with_tools_has_no_tags_either() -> None:
    looks = [*says("I <emphasis>will</emphasis> look. ")[:1], *asks(LOOK)]
    held = hold(ScriptedModel(looks, says("It left."), says("Bye.")), [ASK, 1.0, ASK, 1.0])
    texts = [message.text for message in held.model.requests[-1].messages]
    assert texts[1].strip() == "I will look."
    assert "It left." in texts


def test_the_model_sees_what_was_said_before() -> None:
    held = hold(ScriptedModel(says("Hello.")), [UserMessage("hi"), 1.0, UserMessage("again"), 1.0])
    assert [(m.role, m.text) for m in held.model.requests[1].messages] == [
        (Role.USER, "hi"),
        (Role.ASSISTANT, "Hello."),
        (Role.USER, "again"),
    ]
    assert held.model.requests[0].system == "Be brief."


def test_a_cancelled_reply_keeps_what_had_been_sent() -> None:
    slow = [*says("It ", "left ")[:2], 5.0, *says("yesterday.")]
    held = hold(ScriptedModel(slow, says("Yes.")), [ASK, 1.0, CancelReply(), ASK, 1.0])
    assert held.texts() == ["It left", "Yes."]
    assert held.model.requests[1].messages[1] == Message(
        Role.ASSISTANT, "It left", interrupted=True
    )
    said = [e.payload for e in held.log.events if isinstance(e.payload, AgentSaid)]
    assert said[0] == AgentSaid("It left", interrupted=True)


def test_a_new_message_ends_the_reply_under_way() -> None:
    held = hold(ScriptedModel([9.0, *says("late")], says("ok")), [ASK, 1.0, ASK, 1.0])
    assert held.texts() == ["", "ok"]


def test_a_cancel_during_a_tool_leaves_a_valid_history() -> None:
    async def slow(call: ToolCall) -> ToolResult:
        await anyio.sleep(9.0)
        return result_of(call)

    model = ScriptedModel(asks(LOOK, text="Let me look."), says("ok"))
    held = hold(model, [ASK, 1.0, CancelReply(), ASK, 1.0], ScriptedTools(look=slow))
    assert_valid_history(held.model.requests[1].messages)
    assert held.texts() == ["Let me look.", "ok"]


def test_a_cancel_with_nothing_to_cancel_does_nothing() -> None:
    held = hold(ScriptedModel(says("ok")), [CancelReply(), ASK, 1.0, CancelReply()])
    assert held.texts() == ["ok"]


def test_a_failing_provider_is_admitted() -> None:
    down = ProviderUnavailable("down", provider="scripted")
    held = hold(ScriptedModel([down], says("back")), [ASK, 1.0, ASK, 1.0])
    assert held.texts() == [SORRY.failed, "back"]
    assert any(isinstance(event.payload, Trouble) for event in held.log.events)


def test_a_provider_that_fails_in_the_middle_is_admitted_after_a_space() -> None:
    broken = [*says("It left")[:1], ProviderUnavailable("down", provider="scripted")]
    held = hold(ScriptedModel(broken), [ASK, 1.0])
    assert held.texts() == [f"It left {SORRY.failed}"]


def test_a_model_that_says_nothing_is_made_good() -> None:
    assert hold(ScriptedModel(says()), [ASK, 1.0]).texts() == [SORRY.empty]


def test_a_model_that_hangs_is_given_up() -> None:
    held = hold(ScriptedModel([1000.0, *says("late")]), [ASK, ChatLimits().step + 1])
    assert held.texts() == [SORRY.failed]


def test_a_reply_without_end_is_cut() -> None:
    drip = [step for _ in range(30) for step in (9.0, *says("x ")[:1])]
    held = hold(ScriptedModel([*drip, *says("end")]), [ASK, 300.0])
    assert held.texts()[0].endswith(SORRY.failed)


@pytest.mark.parametrize(
    ("effect", "disposition"),
    [
        (ToolEffect.END_CALL, Disposition.AGENT_ENDED),
        (ToolEffect.TRANSFER, Disposition.TRANSFERRED),
    ],
)
def test_a_tool_ends_the_conversation_once_the_reply_was_sent(
    effect: ToolEffect, disposition: Disposition
) -> None:
    async def act(call: ToolCall) -> ToolResult:
        return result_of(call, effect)

    model = ScriptedModel(asks(LOOK), [2.0, *says("Goodbye.")])
    held = hold(model, [ASK, 100.0], ScriptedTools(look=act))
    assert held.texts() == ["Goodbye."]
    assert held.disposition is disposition


def test_silence_and_length_have_their_limits() -> None:
    idle = hold(ScriptedModel(says("ok")), [ASK, 10_000.0])
    assert idle.disposition is Disposition.CALLER_IDLE
    chatty: list[Act] = [800.0, ASK] * 30
    long = hold(ScriptedModel(says("ok")), chatty)
    assert long.disposition is Disposition.TOO_LONG


def test_a_page_that_is_stuck_ends_the_conversation() -> None:
    held = hold(ScriptedModel(says("a", "b")), [ASK, 100.0], stuck_after=1)
    assert held.disposition is Disposition.CONNECTION_LOST


def test_a_fault_of_ours_ends_as_failed_and_is_recorded() -> None:
    log = Log()

    def broken() -> str:
        raise ZeroDivisionError

    async def main() -> Disposition:
        chat = ChatSession(ScriptedModel(says("x")), ScriptedTools(), broken, log, LoopClock())

        async def person() -> AsyncIterator[ChatInput]:
            yield ASK
            await anyio.sleep(10)

        async def send(output: ChatOutput) -> None:
            return

        return await chat.run(CALL, person(), send)

    assert run_virtual(main) is Disposition.FAILED
    assert isinstance(log.events[-1].payload, CallEnded)


acts = st.lists(
    st.sampled_from([ASK, CancelReply(), 0.0, 0.5, 3.0, 40.0, UserMessage("and then")]),
    max_size=12,
)
answers = st.lists(
    st.sampled_from(
        [
            says("It ", "left."),
            says(),
            asks(LOOK, ToolCall("t2", "slow", {}), text="One moment."),
            [1.0, *says("slow")],
            [99.0],
            [ProviderUnavailable("down", provider="scripted")],
        ]
    ),
    min_size=1,
    max_size=6,
)


@given(acts, answers)
def test_whatever_happens_every_message_gets_one_end_and_the_history_is_valid(
    does: list[Act], replies: list[list[object]]
) -> None:
    async def slow(call: ToolCall) -> ToolResult:
        await anyio.sleep(2.0)
        return result_of(call)

    model = ScriptedModel(*replies)  # type: ignore[arg-type]
    held = hold(model, does, ScriptedTools(slow=slow))
    written = sum(isinstance(act, UserMessage) for act in does)
    ends = [output.turn for output in held.sent if isinstance(output, ReplyDone)]
    assert ends == list(range(1, written + 1))
    for request in held.model.requests:
        assert_valid_history(request.messages)
    assert held.log.kinds()[-1] == "CallEnded"


@given(st.lists(st.sampled_from(list(Role)), max_size=40), st.integers(1, 20))
def test_forgetting_drops_whole_turns(roles: list[Role], keep: int) -> None:
    messages = [Message(role, str(index)) for index, role in enumerate(roles)]
    before = list(messages)
    forget_oldest(messages, keep)
    assert len(messages) <= max(keep, 0)
    assert messages == before[len(before) - len(messages) :]
    if len(messages) < len(before) and messages:
        assert messages[0].role is Role.USER
