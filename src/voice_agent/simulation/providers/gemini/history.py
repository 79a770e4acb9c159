"""Contents as the Gemini API takes them: the three rules about turns, and signatures."""

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

from voice_agent.core.chat import Message, Role, ToolCall
from voice_agent.simulation.providers.answers import dumps
from voice_agent.simulation.providers.gemini.errors import wrong
from voice_agent.simulation.providers.gemini.fields import array, fields, snake, struct

SKIP: Final = "skip_thought_signature_validator"
"""Stands where another model's call had no signature to begin with."""
_PART: Final = (
    *("text", "functionCall", "functionResponse", "inlineData", "fileData"),
    *("thought", "thoughtSignature"),
)
_DATA: Final = _PART[:5]
_CALL_FIRST: Final = (
    "Please ensure that function call turn comes immediately after a user turn or after a "
    "function response turn."
)
_RESPONSE_AFTER: Final = (
    "Please ensure that function response turn comes immediately after a function call turn."
)
_SAME_NUMBER: Final = (
    "Please ensure that the number of function response parts is equal to the number of function "
    "call parts of the function call turn."
)


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a turn; exactly one of text, call and response is there."""

    text: str = ""
    call: ToolCall | None = None
    response: Mapping[str, Any] | None = None
    thought: bool = False
    signature: str = ""


@dataclass(frozen=True, slots=True)
class Turn:
    """One content."""

    role: str
    parts: tuple[Part, ...] = field(default=())

    @property
    def calls(self) -> list[Part]:
        """Its function calls."""
        return [part for part in self.parts if part.call]

    @property
    def responses(self) -> list[Mapping[str, Any]]:
        """Its function responses."""
        return [part.response for part in self.parts if part.response]


def signature(model: str, number: int) -> str:
    """The thought signature of a model's call."""
    return base64.b64encode(f"simulated:{model}:{number}".encode()).decode()


def read_turns(value: Any, model: str) -> list[Turn]:
    """The contents, checked.

    Raises:
        Refused: the API would not take them.
    """
    items = array(value, "contents") if value is not None else []
    if not items:
        raise wrong("* GenerateContentRequest.contents: contents is not specified")
    turns = [_turn(item, f"contents[{index}]") for index, item in enumerate(items)]
    _check_order(turns)
    _check_signatures(turns, model)
    return turns


def read_text(value: Any, where: str) -> str:
    """The text of a system instruction.

    Raises:
        Refused: it holds anything else.
    """
    content = fields(value, where, ("parts", "role"))
    parts = [_part(item, where) for item in array(content.get("parts", []), where)]
    return "".join(part.text for part in parts)


def as_messages(turns: Sequence[Turn]) -> tuple[Message, ...]:
    """The same in our words."""
    messages: list[Message] = []
    called: list[ToolCall] = []
    for turn in turns:
        messages += _results(turn, called)
        called = [
            _identified(part.call, index) for index, part in enumerate(turn.parts) if part.call
        ]
        text = "".join(part.text for part in turn.parts if not part.thought)
        if text or called:
            role = Role.USER if turn.role == "user" else Role.ASSISTANT
            messages.append(Message(role, text, tuple(called)))
    return tuple(messages)


def _identified(call: ToolCall, index: int) -> ToolCall:
    return call if call.id else ToolCall(f"{call.name}-{index}", call.name, call.arguments)


def _results(turn: Turn, called: Sequence[ToolCall]) -> Iterator[Message]:
    waiting = list(called)
    for response in turn.responses:
        call = next(
            (c for c in waiting if response.get("id") == c.id),
            next((c for c in waiting if c.name == response["name"]), waiting[0]),
        )
        waiting.remove(call)
        yield Message(Role.TOOL, _result_text(response["response"]), call_id=call.id)


def _result_text(response: Mapping[str, Any]) -> str:
    """A lone `output` is what the tool said; anything else is that itself."""
    if set(response) == {"output"}:
        output = response["output"]
        return output if isinstance(output, str) else dumps(output)
    return dumps(response)


def _turn(item: Any, where: str) -> Turn:
    content = fields(item, where, ("role", "parts"))
    role = content.get("role", "user")
    if role not in ("user", "model"):
        raise wrong("Please use a valid role: user, model.")
    parts = array(content.get("parts", []), f"{where}.parts")
    if not parts:
        raise wrong(f"* GenerateContentRequest.{where}.parts: contents.parts must not be empty.")
    read = tuple(_part(part, f"{where}.parts[{index}]") for index, part in enumerate(parts))
    return Turn(role, read)


def _part(item: Any, where: str) -> Part:
    part = fields(item, where, _PART)
    data = [name for name in _DATA if name in part]
    if len(data) > 1:
        raise wrong(f"Invalid value at '{where}' (oneof), oneof field 'data' is already set.")
    if not data:
        raise wrong(
            f"* GenerateContentRequest.{where}.data: required oneof field 'data' must have one "
            "initialized field"
        )
    match data[0]:
        case "functionCall":
            return Part(call=_call(part, where), signature=part.get("thoughtSignature", ""))
        case "functionResponse":
            return Part(response=_response(part["functionResponse"], where))
        case "text" if isinstance(part["text"], str):
            return Part(part["text"], thought=part.get("thought") is True)
        case "text":
            raise wrong(f"Invalid value at '{where}.text' (TYPE_STRING)")
    return Part()


def _call(part: Mapping[str, Any], where: str) -> ToolCall:
    place = f"{where}.{snake('functionCall')}"
    call = fields(part["functionCall"], place, ("id", "name", "args"))
    if not call.get("name"):
        raise wrong(f"* GenerateContentRequest.{place}.name: Name cannot be empty.")
    return ToolCall(call.get("id", ""), call["name"], struct(call.get("args", {}), f"{place}.args"))


def _response(value: Any, where: str) -> Mapping[str, Any]:
    place = f"{where}.{snake('functionResponse')}"
    known = ("id", "name", "response", "willContinue", "scheduling")
    response = fields(value, place, known)
    if not response.get("name"):
        raise wrong(f"* GenerateContentRequest.{place}.name: Name cannot be empty.")
    return {**response, "response": struct(response.get("response", {}), f"{place}.response")}


def _check_order(turns: Sequence[Turn]) -> None:
    nothing = Turn("model")
    for before, turn in pairwise([nothing, *turns]):
        if turn.calls and (turn.role != "model" or before.role != "user"):
            raise wrong(_CALL_FIRST)
        if bool(turn.responses) != bool(before.calls):
            raise wrong(_RESPONSE_AFTER)
        if len(turn.responses) != len(before.calls):
            raise wrong(_SAME_NUMBER)
    if turns[-1].calls:
        raise wrong(_RESPONSE_AFTER)
    if turns[-1].role != "user":
        raise wrong(
            "Please ensure that multiturn requests end with a user turn or a function response."
        )


def _check_signatures(turns: Sequence[Turn], model: str) -> None:
    """Only the calls since the caller last spoke are checked, the first of each turn."""
    for turn in _since_last_said(turns):
        if not turn.calls:
            continue
        first = turn.calls[0]
        if not first.signature:
            raise wrong(
                "Function call is missing a thought_signature in functionCall parts. This is "
                "required for tools to work correctly, and missing thought_signature may lead to "
                "degraded model performance."
            )
        _check_signature(first.signature, model)


def _since_last_said(turns: Sequence[Turn]) -> Sequence[Turn]:
    said = [i for i, turn in enumerate(turns) if turn.role == "user" and not turn.responses]
    return turns[said[-1] :] if said else turns


def _check_signature(given: Any, model: str) -> None:
    if given == SKIP:
        return
    try:
        plain = base64.b64decode(str(given), altchars=b"-_", validate=False).decode()
    except (ValueError, binascii.Error):
        raise wrong("Corrupted thought signature.") from None
    if plain != SKIP and not plain.startswith(f"simulated:{model}:"):
        raise wrong("Invalid thought signature.")
