"""An MCP server's tools as ours, and its results as data: pure, whatever the server sends."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from mcp_types import CallToolResult, TextContent
from mcp_types import Tool as OfferedTool

from voice_agent.core.chat import JsonObject
from voice_agent.core.errors import ToolError
from voice_agent.tools.base import Access
from voice_agent.tools.custom.json_schema import SchemaParameters, plain_text
from voice_agent.tools.custom.results import (
    LARGEST,
    LONGEST_REASON,
    as_content,
    bad_answer,
    checked_depth,
    to_json,
)

MOST_TOOLS: Final = 128
"""Tools of one server that are offered; the rest is left out."""
LONGEST_DESCRIPTION: Final = 1000


def access_of(tool: OfferedTool, overrides: Mapping[str, Access]) -> Access:
    """What a tool does: as the operator says, else as it says; silence means the worst."""
    if tool.name in overrides:
        return overrides[tool.name]
    told = tool.annotations
    if told is not None and told.read_only_hint:
        return Access.READ
    if told is not None and told.destructive_hint is False:
        return Access.WRITE
    return Access.IRREVERSIBLE


def parameters_of(tool: OfferedTool) -> SchemaParameters | None:
    """The tool's parameters, None where its schema is not one of an object."""
    try:
        return SchemaParameters(tool.input_schema)
    except (ValueError, RecursionError):
        return None


def description_of(tool: OfferedTool) -> str:
    """What the model is told; never empty."""
    told = plain_text(tool.description, LONGEST_DESCRIPTION)
    return told or plain_text(tool.title) or f"Runs {plain_text(tool.name)}."


def content_of(result: CallToolResult) -> JsonObject:
    """A result as a bounded object: what is structured, else its texts.

    Raises:
        ToolError: the tool refused, or its result is too large or too deep.
    """
    text = "\n".join(part.text for part in result.content if isinstance(part, TextContent))
    if result.is_error:
        told = plain_text(text, LONGEST_REASON)
        raise ToolError(told or "The service refused.", reason="refused")
    content = as_content(_value(result, text))
    if _size(content) > LARGEST:
        raise bad_answer(f"its answer is larger than {LARGEST // 1024} kB")
    return content


def chosen(tools: Sequence[OfferedTool], wanted: Sequence[str]) -> list[OfferedTool]:
    """Those that may be offered, each name once."""
    found = {tool.name: tool for tool in tools if not wanted or tool.name in wanted}
    return list(found.values())[:MOST_TOOLS]


def _value(result: CallToolResult, text: str) -> Any:
    if result.structured_content is not None:
        return checked_depth(result.structured_content)
    if text.lstrip()[:1] not in ("{", "["):
        return text
    try:
        return checked_depth(orjson.loads(text))
    except orjson.JSONDecodeError:
        return text


def _size(content: JsonObject) -> int:
    try:
        return len(to_json(dict(content)))
    except (TypeError, ValueError):
        raise bad_answer("it answered something that is not JSON") from None
