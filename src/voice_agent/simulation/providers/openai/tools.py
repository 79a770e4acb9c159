"""Function tools as OpenAI takes them, checked and read."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from voice_agent.core.chat import ToolChoice, ToolDeclaration
from voice_agent.simulation.providers.openai.errors import refused

NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_WORDS: Final = ("none", "auto", "required")


def read_tools(value: Any) -> tuple[ToolDeclaration, ...]:
    """The declared functions.

    Raises:
        Refused: OpenAI would not take them.
    """
    if value is None:
        return ()
    if not isinstance(value, list) or not value:
        raise refused(400, "Invalid 'tools': expected a list that is not empty.", param="tools")
    return tuple(_tool(item, f"tools[{index}]") for index, item in enumerate(value))


def read_choice(value: Any, tools: Sequence[ToolDeclaration]) -> tuple[ToolChoice, bool]:
    """What may be called, and whether one function was named.

    Raises:
        Refused: OpenAI would not take it.
    """
    if value is None:
        return ToolChoice.AUTO, False
    if not tools:
        raise refused(
            400, "'tool_choice' is only allowed when 'tools' are specified.", param="tool_choice"
        )
    if isinstance(value, str) and value in _WORDS:
        return (ToolChoice.NONE if value == "none" else ToolChoice.AUTO), False
    if isinstance(value, Mapping) and value.get("type") == "allowed_tools":
        return ToolChoice.AUTO, False
    named = value.get("function") if isinstance(value, Mapping) else None
    name = named.get("name") if isinstance(named, Mapping) else None
    if name not in [tool.name for tool in tools]:
        raise refused(
            400, "Invalid value for 'tool_choice': no such function.", param="tool_choice"
        )
    return ToolChoice.AUTO, True


def _tool(item: Any, where: str) -> ToolDeclaration:
    function = item.get("function") if isinstance(item, Mapping) else None
    if not isinstance(function, Mapping) or item.get("type") != "function":
        raise refused(400, f"Missing required parameter: '{where}.function'.", param=where)
    name = function.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise refused(
            400,
            f"Invalid '{where}.function.name': string does not match pattern. "
            "Expected a string that matches the pattern '^[a-zA-Z0-9_-]{1,64}$'.",
            param=f"{where}.function.name",
            code="invalid_value",
        )
    parameters = function.get("parameters", {})
    _check_schema(parameters, name, strict=function.get("strict") is True)
    return ToolDeclaration(name, str(function.get("description") or ""), parameters)


def _check_schema(schema: Any, name: str, *, strict: bool) -> None:
    problem = _problem(schema) or (_laxity(schema) if strict else "")
    if problem:
        raise refused(
            400,
            f"Invalid schema for function '{name}': {problem}",
            param="tools.function.parameters",
            code="invalid_function_parameters",
        )


def _problem(schema: Any) -> str:
    if not isinstance(schema, Mapping):
        return "the schema is not an object."
    if schema and schema.get("type") != "object":
        return "schema must be a JSON Schema of 'type: \"object\"'."
    return ""


def _laxity(schema: Mapping[str, Any]) -> str:
    """What keeps a schema from being strict, at any depth."""
    properties = schema.get("properties") or {}
    if schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            return "'additionalProperties' is required to be supplied and to be false."
        if set(schema.get("required") or ()) != set(properties):
            return "'required' is required to be supplied and to be all properties."
    parts = [*properties.values(), schema.get("items"), *(schema.get("anyOf") or ())]
    return next(filter(None, (_laxity(part) for part in parts if isinstance(part, Mapping))), "")
