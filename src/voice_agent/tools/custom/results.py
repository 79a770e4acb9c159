"""What comes back from somebody else's tool, as bounded data for the model; never instructions."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import orjson

from voice_agent.core.chat import JsonObject
from voice_agent.core.errors import ToolError
from voice_agent.tools.base import Access
from voice_agent.tools.custom.json_schema import plain_text

LARGEST: Final = 64 * 1024
"""Bytes of an answer that are read; a larger one is a failure."""
DEEPEST: Final = 40
LONGEST_REASON: Final = 300
_PLACEHOLDER: Final = re.compile(r"\{([^{}\s]*)\}")


def read_body(body: bytes, content_type: str) -> Any:
    """The decoded answer: JSON where it says so or looks like it, else text.

    Raises:
        ToolError: it is neither.
    """
    kind = content_type.partition(";")[0].strip().casefold()
    declared = kind == "application/json" or kind.endswith("+json")
    try:
        return checked_depth(orjson.loads(body)) if body.strip() else {}
    except orjson.JSONDecodeError:
        if declared or not kind.startswith("text/"):
            raise bad_answer("it answered something that is not JSON") from None
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise bad_answer("it answered something that is no text") from None


def checked_depth(value: Any) -> Any:
    """The same value.

    Raises:
        ToolError: it is nested too deeply to be meant.
    """
    level = [value]
    for _ in range(DEEPEST):
        level = [part for node in level for part in _parts(node)]
        if not level:
            return value
    raise bad_answer("it answered something that is nested too deeply")


def select(value: Any, path: str) -> Any:
    """The part of an answer at `data.items.0`; an empty path is all of it.

    Raises:
        ToolError: there is no such part.
    """
    for step in filter(None, path.split(".")):
        if isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(value, list) and step.isdecimal() and int(step) < len(value):
            value = value[int(step)]
        else:
            raise bad_answer(f"its answer has no {path!r}")
    return value


def fill(template: str, value: Any) -> str:
    """The template with `{path}` replaced by that part of the answer.

    Raises:
        ToolError: there is no such part.
    """

    def text(match: re.Match[str]) -> str:
        part = select(value, match[1])
        return part if isinstance(part, str) else to_json(part)

    return _PLACEHOLDER.sub(text, template)


def to_json(value: Any) -> str:
    """Any JSON, numbers of any length included."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def as_content(value: Any) -> JsonObject:
    """Any JSON value as an object."""
    if isinstance(value, Mapping):
        return value
    return {"text": value} if isinstance(value, str) else {"result": value}


def told_reason(value: Any) -> str:
    """The sentence with which a refusal explains itself, "" where it does not."""
    if not isinstance(value, Mapping):
        return ""
    for name in ("message", "error", "detail"):
        told = value.get(name)
        if isinstance(told, Mapping):
            told = told.get("message")
        if isinstance(told, str) and told.strip():
            return plain_text(told, LONGEST_REASON)
    return ""


def bad_answer(what: str) -> ToolError:
    """The failure for an answer that makes no sense."""
    return ToolError(f"The service cannot be used now: {what}.", reason="bad_response")


def not_sure(access: Access) -> str:
    """What the model must admit after a failure in the middle."""
    if access is Access.READ:
        return "Nothing was found out; say so and offer a person."
    return "It is not certain that it was done; do not say that it was, and offer a person."


def _parts(node: Any) -> list[Any]:
    if isinstance(node, Mapping):
        return list(node.values())
    return node if isinstance(node, list) else []
