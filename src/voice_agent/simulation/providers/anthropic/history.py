"""A conversation as Anthropic takes it, checked and read."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from voice_agent.core.chat import Message, Role, ToolCall
from voice_agent.simulation.providers.anthropic.errors import refused

Block = Mapping[str, Any]
_ID: Final = re.compile(r"[a-zA-Z0-9_-]+")
_THOUGHTS: Final = ("thinking", "redacted_thinking")
_OF_ROLE: Final = {
    "user": ("text", "tool_result", "image", "document"),
    "assistant": ("text", "tool_use", *_THOUGHTS),
    "system": ("text",),
}


@dataclass(frozen=True, slots=True)
class Turn:
    """One message with its content as blocks."""

    role: str
    blocks: tuple[Block, ...]

    def of(self, kind: str) -> list[Block]:
        """Its blocks of one type."""
        return [block for block in self.blocks if block["type"] == kind]


def read_turns(value: Any, *, system_allowed: bool, prefill_allowed: bool) -> list[Turn]:
    """The conversation, neighbours of one role merged as Anthropic does it.

    Raises:
        Refused: Anthropic would not take it.
    """
    if not isinstance(value, list):
        raise refused(400, "messages: Field required")
    if not value:
        raise refused(400, "messages: at least one message is required")
    turns = _merged(_turn(item, index, system_allowed) for index, item in enumerate(value))
    if turns[0].role != "user":
        raise refused(400, 'messages: first message must use the "user" role')
    if turns[-1].role == "assistant" and not prefill_allowed:
        raise refused(
            400,
            "This model does not support assistant message prefill: prefill not supported. "
            "The conversation must end with a user message.",
        )
    _check_tool_turns(turns)
    return turns


def as_messages(turns: Sequence[Turn]) -> tuple[Message, ...]:
    """The same in our words."""
    return tuple(message for turn in turns for message in _messages(turn))


def text_of(content: Any, where: str) -> str:
    """A string or text blocks as one text.

    Raises:
        Refused: it is something else, or empty where that is not allowed.
    """
    if isinstance(content, str):
        return content
    return "".join(block["text"] for block in _blocks(content, where, ("text",)))


def _turn(item: Any, index: int, system_allowed: bool) -> Turn:  # noqa: FBT001
    where = f"messages.{index}"
    if not isinstance(item, Mapping):
        raise refused(400, f"{where}: Input should be an object")
    role = item.get("role")
    if role not in _OF_ROLE or (role == "system" and not system_allowed):
        raise refused(400, f"{where}.role: Input should be 'user' or 'assistant'")
    content = item.get("content")
    if isinstance(content, str):
        content = [{"type": "text", "text": content}] if content else []
    return Turn(role, tuple(_blocks(content, f"{where}.content", _OF_ROLE[role])))


def _blocks(content: Any, where: str, allowed: Sequence[str]) -> Iterator[Block]:
    if not isinstance(content, list):
        raise refused(400, f"{where}: Input should be a valid string or list")
    if not content:
        raise refused(400, f"{where.removesuffix('.content')}: messages must have content")
    for index, block in enumerate(content):
        _check_block(block, f"{where}.{index}", allowed)
        yield block


def _check_block(block: Any, where: str, allowed: Sequence[str]) -> None:
    kind = block.get("type") if isinstance(block, Mapping) else None
    if kind not in allowed:
        expected = ", ".join(f"'{name}'" for name in allowed)
        raise refused(400, f"{where}: Input tag {kind!r} does not match any of {expected}")
    if kind == "text":
        if not isinstance(block.get("text"), str):
            raise refused(400, f"{where}.text.text: Field required")
        if not block["text"]:
            raise refused(400, "messages: text content blocks must be non-empty")
    if kind == "tool_use":
        _check_tool_use(block, where)
    if kind == "tool_result" and not isinstance(block.get("tool_use_id"), str):
        raise refused(400, f"{where}.tool_result.tool_use_id: Field required")
    if kind == "thinking" and not block.get("signature"):
        raise refused(400, f"{where}.thinking.signature: Field required")


def _check_tool_use(block: Block, where: str) -> None:
    identifier, name = block.get("id"), block.get("name")
    if not isinstance(identifier, str) or not _ID.fullmatch(identifier):
        raise refused(400, f"{where}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    if not isinstance(name, str) or not name:
        raise refused(400, f"{where}.tool_use.name: Field required")
    if not isinstance(block.get("input"), Mapping):
        raise refused(400, f"{where}.tool_use.input: Input should be a valid dictionary")


def _merged(turns: Iterator[Turn]) -> list[Turn]:
    merged: list[Turn] = []
    for turn in turns:
        if merged and merged[-1].role == turn.role:
            merged[-1] = Turn(turn.role, (*merged[-1].blocks, *turn.blocks))
        else:
            merged.append(turn)
    return merged


def _check_tool_turns(turns: Sequence[Turn]) -> None:
    nothing = Turn("user", ())
    seen: set[str] = set()
    for index, (before, turn) in enumerate(pairwise([nothing, *turns, nothing])):
        called = [block["id"] for block in before.of("tool_use")]
        answered = [block["tool_use_id"] for block in turn.of("tool_result")]
        if len(seen | set(called)) < len(seen) + len(called):
            raise refused(400, "messages: `tool_use` ids must be unique")
        seen |= set(called)
        _check_answered(called, answered, index)
        results_first = [block["type"] == "tool_result" for block in turn.blocks]
        if called and sorted(results_first, reverse=True) != results_first:
            _raise_unanswered(called, index)


def _check_answered(called: Sequence[str], answered: Sequence[str], index: int) -> None:
    stray = [identifier for identifier in answered if identifier not in called]
    if stray:
        raise refused(
            400,
            f"messages.{index}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: "
            f"{', '.join(stray)}. Each `tool_result` block must have a corresponding `tool_use` "
            "block in the previous message.",
        )
    missing = [identifier for identifier in called if identifier not in answered]
    if missing:
        _raise_unanswered(missing, index)
    if len(set(answered)) < len(answered):
        raise refused(400, f"messages.{index}.content: each tool_use must have a single result.")


def _raise_unanswered(missing: Sequence[str], index: int) -> None:
    raise refused(
        400,
        f"messages.{index - 1}: `tool_use` ids were found without `tool_result` blocks immediately "
        f"after: {', '.join(missing)}. Each `tool_use` block must have a corresponding "
        "`tool_result` block in the next message.",
    )


def _messages(turn: Turn) -> Iterator[Message]:
    text = "".join(block["text"] for block in turn.of("text"))
    calls = tuple(ToolCall(b["id"], b["name"], b["input"]) for b in turn.of("tool_use"))
    for block in turn.of("tool_result"):
        content = text_of(block.get("content") or "", "tool_result.content")
        yield Message(Role.TOOL, content, call_id=block["tool_use_id"])
    if text or calls:
        yield Message(Role(turn.role), text, calls)
