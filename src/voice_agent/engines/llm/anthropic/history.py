"""The history in Anthropic's blocks: results first in the message right after their calls."""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from voice_agent.core.chat import ChatRequest, JsonObject
from voice_agent.engines.llm.hosted_answer import own_mark
from voice_agent.engines.llm.hosted_history import (
    AgentTurn,
    HistoryTurn,
    ToolExchange,
    history_turns,
)
from voice_agent.engines.llm.json_access import MalformedJson, decode_object, objects_in

_PROVIDER: Final = "anthropic"

Blocks = list[JsonObject]


def messages_of(request: ChatRequest, model: str) -> list[JsonObject]:
    """The messages: roles take turns, the first and the last are the user's."""
    messages: list[tuple[str, Blocks]] = []
    for turn in history_turns(request.messages):
        for role, blocks in _of(turn, model):
            if messages and messages[-1][0] == role:
                messages[-1][1].extend(blocks)
            else:
                messages.append((role, blocks))
    return [{"role": role, "content": blocks} for role, blocks in messages]


def declared_tools(request: ChatRequest) -> list[JsonObject]:
    """The tools; a history with calls needs some, even where none may be used any more."""
    if request.tools:
        return [
            {
                "name": tool.name,
                "description": tool.description,
                "input_schema": {"type": "object", **tool.parameters},
            }
            for tool in request.tools
        ]
    used = {
        one.call.name: None
        for turn in history_turns(request.messages)
        if isinstance(turn, AgentTurn)
        for one in turn.exchanges
    }
    empty: JsonObject = {"type": "object", "properties": {}}
    return [{"name": name, "description": "Out of use.", "input_schema": empty} for name in used]


def mark_of(thoughts: Sequence[JsonObject], said: str) -> str:
    """The mark of a call that thoughts led to, with the words beside them."""
    return orjson.dumps({"said": said, "thoughts": thoughts}).decode()


def _of(turn: HistoryTurn, model: str) -> list[tuple[str, Blocks]]:
    said: Blocks = [{"type": "text", "text": turn.text}] if turn.text else []
    if not isinstance(turn, AgentTurn):
        return [("user", said)]
    if not turn.exchanges:
        return [("assistant", said)]
    calls = [_tool_use(one) for one in turn.exchanges]
    results = [_tool_result(one) for one in turn.exchanges]
    return [("assistant", [*_thoughts(turn, model), *said, *calls]), ("user", results)]


def _thoughts(turn: AgentTurn, model: str) -> Blocks:
    """The thoughts that led to the calls; none where the words beside them were cut since."""
    try:
        mark = decode_object(own_mark(turn.exchanges[0].call.signature, _PROVIDER, model))
        return list(objects_in(mark, "thoughts")) if mark.get("said") == turn.text else []
    except MalformedJson:
        return []


def _tool_use(one: ToolExchange) -> JsonObject:
    return {
        "type": "tool_use",
        "id": one.call.id,
        "name": one.call.name,
        "input": dict(one.call.arguments),
    }


def _tool_result(one: ToolExchange) -> JsonObject:
    block: dict[str, Any] = {"type": "tool_result", "tool_use_id": one.call.id}
    if one.result.strip():
        block["content"] = one.result
    if one.failed:
        block["is_error"] = True
    return block
