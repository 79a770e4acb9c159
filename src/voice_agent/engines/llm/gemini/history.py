"""The history in Gemini's contents.

A call's turn follows the user's or a result's, the results follow their calls at once and are as
many, and adjacent turns of one role are one. A signed part stays a part of its own.
"""

from typing import Any, Final

from voice_agent.core.chat import ChatRequest, JsonObject
from voice_agent.engines.llm.gemini.options import Options
from voice_agent.engines.llm.hosted_answer import own_mark
from voice_agent.engines.llm.hosted_history import (
    AgentTurn,
    HistoryTurn,
    ToolExchange,
    history_turns,
)
from voice_agent.engines.llm.json_access import MalformedJson, decode_object

FOREIGN_CALL: Final = "skip_thought_signature_validator"
"""The signature of a call that another model made."""
_PROVIDER: Final = "gemini"

Parts = list[JsonObject]


def contents_of(request: ChatRequest, options: Options) -> list[JsonObject]:
    """The contents: roles take turns, the first and the last are the user's."""
    contents: list[tuple[str, Parts]] = []
    for turn in history_turns(request.messages):
        for role, parts in _of(turn, options):
            if contents and contents[-1][0] == role:
                contents[-1][1].extend(parts)
            else:
                contents.append((role, parts))
    return [{"role": role, "parts": parts} for role, parts in contents]


def _of(turn: HistoryTurn, options: Options) -> list[tuple[str, Parts]]:
    said: Parts = [{"text": turn.text}] if turn.text else []
    if not isinstance(turn, AgentTurn):
        return [("user", said)]
    if not turn.exchanges:
        return [("model", said)]
    calls = [_call(one, options, first=at == 0) for at, one in enumerate(turn.exchanges)]
    return [("model", [*said, *calls]), ("user", [_response(one) for one in turn.exchanges])]


def _call(one: ToolExchange, options: Options, *, first: bool) -> JsonObject:
    """A call's part; of calls side by side only the first must be signed."""
    call = one.call
    part: dict[str, Any] = {
        "functionCall": {"id": call.id, "name": call.name, "args": dict(call.arguments)}
    }
    signature = own_mark(call.signature, _PROVIDER, options.model)
    if not signature and first and options.needs_signatures:
        signature = FOREIGN_CALL
    if signature:
        part["thoughtSignature"] = signature
    return part


def _response(one: ToolExchange) -> JsonObject:
    key = "error" if one.failed else "output"
    return {
        "functionResponse": {
            "id": one.call.id,
            "name": one.call.name,
            "response": {key: _value(one.result)},
        }
    }


def _value(result: str) -> object:
    try:
        return decode_object(result)
    except MalformedJson:
        return result
