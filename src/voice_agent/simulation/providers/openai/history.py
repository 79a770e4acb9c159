"""A chat's messages as OpenAI takes them, checked and read."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from voice_agent.core.chat import Message, Role, ToolCall
from voice_agent.simulation.providers.answers import loads_object
from voice_agent.simulation.providers.openai.errors import refused

_ROLES: Final = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.TOOL,
}


def read_messages(value: Any) -> tuple[Message, ...]:
    """The history.

    Raises:
        Refused: OpenAI would not take it.
    """
    if not isinstance(value, list):
        raise _wrong("Missing required parameter: 'messages'.", "messages")
    if not value:
        raise _wrong("'messages' must hold at least one message.", "messages")
    messages = tuple(_message(item, index) for index, item in enumerate(value))
    _check_tool_turns(messages)
    return messages


def split_system(messages: Sequence[Message]) -> tuple[str, tuple[Message, ...]]:
    """The instructions that the history begins with, and the rest."""
    leading: list[str] = []
    for message in messages:
        if message.role is not Role.SYSTEM:
            break
        leading.append(message.text)
    return "\n\n".join(leading), tuple(messages[len(leading) :])


def _message(item: Any, index: int) -> Message:
    where = f"messages[{index}]"
    if not isinstance(item, Mapping):
        raise _wrong(f"Invalid type for '{where}': expected an object.", where)
    role = _ROLES.get(item.get("role", ""))
    if role is None:
        known = ", ".join(f"'{name}'" for name in _ROLES)
        raise _wrong(
            f"Invalid value: {item.get('role')!r}. Supported values are: {known}.", f"{where}.role"
        )
    calls = tuple(_calls(item, where)) if role is Role.ASSISTANT else ()
    text = _content(item.get("content"), where, optional=bool(calls))
    if role is not Role.TOOL:
        return Message(role, text, calls)
    call_id = item.get("tool_call_id")
    if not isinstance(call_id, str) or not call_id:
        raise _wrong(f"Missing required parameter: '{where}.tool_call_id'.", where)
    return Message(role, text, call_id=call_id)


def _content(content: Any, where: str, *, optional: bool) -> str:
    if isinstance(content, str):
        return content
    if content is None and optional:
        return ""
    if isinstance(content, list) and content:
        return "".join(_part(part, where) for part in content)
    raise _wrong(
        f"Invalid value for 'content' of '{where}': expected a string, got "
        f"{'null' if content is None else type(content).__name__}.",
        f"{where}.content",
    )


def _part(part: Any, where: str) -> str:
    if isinstance(part, Mapping) and part.get("type") == "text":
        text = part.get("text")
        if isinstance(text, str):
            return text
    raise _wrong(f"Invalid content part in '{where}.content'.", f"{where}.content")


def _calls(item: Mapping[str, Any], where: str) -> Iterator[ToolCall]:
    calls = item.get("tool_calls")
    if calls is None:
        return
    if not isinstance(calls, list) or not calls:
        raise _wrong(f"Invalid '{where}.tool_calls': expected a list that is not empty.", where)
    for index, call in enumerate(calls):
        yield _call(call, f"{where}.tool_calls[{index}]")


def _call(call: Any, where: str) -> ToolCall:
    function = call.get("function") if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or call.get("type") != "function":
        raise _wrong(f"Invalid value: '{where}' is no function call.", where)
    for name, value in (("id", call.get("id")), ("function.name", function.get("name"))):
        if not isinstance(value, str) or not value:
            raise _wrong(f"Missing required parameter: '{where}.{name}'.", where)
    arguments = function.get("arguments")
    if not isinstance(arguments, str):
        raise _wrong(
            f"Invalid type for '{where}.function.arguments': expected a string.",
            f"{where}.function.arguments",
        )
    return ToolCall(call["id"], function["name"], loads_object(arguments))


def _check_tool_turns(messages: Sequence[Message]) -> None:
    owed: dict[str, None] = {}
    for index, message in enumerate(messages):
        if message.role is Role.TOOL:
            if message.call_id not in owed:
                raise _wrong(
                    "Invalid parameter: messages with role 'tool' must be a response to a "
                    "preceding message with 'tool_calls'.",
                    f"messages.[{index}].role",
                )
            del owed[message.call_id]
            continue
        _check_paid(owed)
        owed = dict.fromkeys(call.id for call in message.tool_calls)
    _check_paid(owed)


def _check_paid(owed: Mapping[str, None]) -> None:
    if owed:
        raise _wrong(
            "An assistant message with 'tool_calls' must be followed by tool messages responding "
            "to each 'tool_call_id'. The following tool_call_ids did not have response messages: "
            + ", ".join(owed),
            "messages",
        )


def _wrong(message: str, param: str) -> Exception:
    return refused(400, message, param=param)
