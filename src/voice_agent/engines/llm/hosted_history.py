"""The history as every hosted provider accepts it, whatever the call was like.

    user ──► agent ──► user ──► agent with tool exchanges ──► agent …

It begins with the caller, ends with the caller or with tool results, has no empty texts and no
two texts of one side in a row; every tool call stands with its one result, and ids and names are
of the letters that all providers allow. The same history always becomes the same turns, and a
longer one begins with the turns of the shorter, so that prompt caches hold.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from voice_agent.core.chat import ChatRequest, Message, Role, ToolCall
from voice_agent.engines.llm.json_access import MalformedJson, decode_object

OPENING: Final = "(The call begins.)"
"""Stands for the caller where the agent spoke first."""
SILENCE: Final = "(The caller says nothing.)"
"""Stands for the caller where the agent is to speak again."""
UNANSWERED: Final = (
    '{"error": "cancelled", "message": "The caller spoke before this was finished."}'
)
"""The result of a call that never got one."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")
_NOT_IN_NAME: Final = re.compile(r"[^A-Za-z0-9_-]")
_LONGEST_NAME: Final = 64

_Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class ToolExchange:
    """A call and its result."""

    call: ToolCall
    result: str

    @property
    def failed(self) -> bool:
        """Whether the result is an error."""
        try:
            return "error" in decode_object(self.result)
        except MalformedJson:
            return False


@dataclass(frozen=True, slots=True)
class UserTurn:
    """What the caller said."""

    text: str


@dataclass(frozen=True, slots=True)
class AgentTurn:
    """What the caller heard of the agent, and the tools it then used, side by side."""

    text: str
    exchanges: tuple[ToolExchange, ...] = ()


HistoryTurn = UserTurn | AgentTurn


def system_text(request: ChatRequest) -> str:
    """The instructions, with what system messages in the history add."""
    notes = [message.text for message in request.messages if message.role is Role.SYSTEM]
    return "\n\n".join(clean(text) for text in (request.system, *notes) if text.strip())


def history_turns(messages: Sequence[Message]) -> list[HistoryTurn]:
    """The turns of a history."""
    turns: list[HistoryTurn] = []
    for turn in _raw_turns(messages):
        _append(turns, turn)
    if turns and isinstance(turns[0], AgentTurn):
        turns.insert(0, UserTurn(OPENING))
    if not turns:
        return [UserTurn(OPENING)]
    last = turns[-1]
    if isinstance(last, AgentTurn) and not last.exchanges:
        turns.append(UserTurn(SILENCE))
    return turns


def known_ids(messages: Sequence[Message]) -> set[str]:
    """The ids of the calls in a history: a new call needs another."""
    return {call.id for message in messages for call in message.tool_calls}


def clean(text: str) -> str:
    """The text without halves of characters, which no JSON can carry."""
    return text.encode("utf-8", "replace").decode()


def _raw_turns(messages: Sequence[Message]) -> list[HistoryTurn]:
    answers = _answers(messages)
    taken: set[str] = set()
    turns: list[HistoryTurn] = []
    for at, message in enumerate(messages):
        text = clean(message.text) if message.text.strip() else ""
        if message.role is Role.USER and text:
            turns.append(UserTurn(text))
        elif message.role is Role.ASSISTANT and (text or message.tool_calls):
            turns.append(AgentTurn(text, _exchanges(message, at, answers, taken)))
    return turns


def _append(turns: list[HistoryTurn], turn: HistoryTurn) -> None:
    """Add a turn, or join it to the last where the same side goes on speaking."""
    last = turns[-1] if turns else None
    if isinstance(last, UserTurn) and isinstance(turn, UserTurn):
        turns[-1] = UserTurn(f"{last.text}\n{turn.text}")
    elif isinstance(last, AgentTurn) and isinstance(turn, AgentTurn) and not last.exchanges:
        turns[-1] = AgentTurn(f"{last.text} {turn.text}".strip(), turn.exchanges)
    else:
        turns.append(turn)


def _answers(messages: Sequence[Message]) -> dict[_Place, str]:
    """The result of each call, by where the call stands; a result answers the oldest open call."""
    unanswered: dict[str, list[_Place]] = defaultdict(list)
    answers: dict[_Place, str] = {}
    for at, message in enumerate(messages):
        if message.role is Role.ASSISTANT:
            for which, call in enumerate(message.tool_calls):
                unanswered[call.id].append((at, which))
        elif message.role is Role.TOOL and unanswered[message.call_id]:
            answers[unanswered[message.call_id].pop(0)] = clean(message.text)
    return answers


def _exchanges(
    message: Message, at: int, answers: Mapping[_Place, str], taken: set[str]
) -> tuple[ToolExchange, ...]:
    return tuple(
        ToolExchange(
            replace(call, id=_allowed_id(call.id, taken), name=_allowed_name(call.name)),
            answers.get((at, which), UNANSWERED),
        )
        for which, call in enumerate(message.tool_calls)
    )


def _allowed_id(given: str, taken: set[str]) -> str:
    number = len(taken)
    chosen = given if _ID.fullmatch(given) else f"call_{number}"
    while chosen in taken:
        number += 1
        chosen = f"call_{number}"
    taken.add(chosen)
    return chosen


def _allowed_name(given: str) -> str:
    name = _NOT_IN_NAME.sub("_", given)
    if not name or not (name[0].isalpha() or name[0] == "_"):
        name = f"_{name}"
    return name[:_LONGEST_NAME]
