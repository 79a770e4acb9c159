"""Function declarations as the Gemini API takes them, checked and read."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from voice_agent.core.chat import ToolChoice, ToolDeclaration
from voice_agent.simulation.providers.gemini.errors import wrong
from voice_agent.simulation.providers.gemini.fields import array, fields

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,127}")
_MODES: Final = ("AUTO", "ANY", "NONE", "VALIDATED")
_TYPES: Final = ("STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL")
_SCHEMA: Final = (
    *("type", "format", "description", "title", "nullable", "enum", "items", "properties"),
    *("required", "propertyOrdering", "anyOf", "minimum", "maximum", "minItems", "maxItems"),
    *("minLength", "maxLength", "minProperties", "maxProperties", "pattern", "default", "example"),
    *("$defs", "$ref", "additionalProperties"),
)
_TOOL: Final = (
    "functionDeclarations",
    "googleSearch",
    "codeExecution",
    "urlContext",
)
_DECLARATION: Final = (
    *("name", "description", "parameters", "parametersJsonSchema"),
    *("response", "responseJsonSchema", "behavior"),
)


def read_tools(value: Any) -> tuple[ToolDeclaration, ...]:
    """The declared functions.

    Raises:
        Refused: the API would not take them.
    """
    if value is None:
        return ()
    tools = tuple(
        _declaration(item, f"tools[{number}].function_declarations[{index}]")
        for number, tool in enumerate(array(value, "tools"))
        for index, item in enumerate(
            array(fields(tool, f"tools[{number}]", _TOOL).get("functionDeclarations", []), "tools")
        )
    )
    names = [tool.name for tool in tools]
    for name in names:
        if names.count(name) > 1:
            raise wrong(f"Duplicate function declaration found: {name}")
    return tools


def read_choice(value: Any, tools: Sequence[ToolDeclaration]) -> ToolChoice:
    """What may be called.

    Raises:
        Refused: the API would not take it.
    """
    config = fields(value or {}, "tool_config", ("functionCallingConfig", "retrievalConfig"))
    known = ("mode", "allowedFunctionNames", "streamFunctionCallArguments")
    calling = fields(
        config.get("functionCallingConfig", {}), "tool_config.function_calling_config", known
    )
    mode = calling.get("mode", "AUTO")
    if mode not in _MODES:
        raise wrong(
            f"Invalid value at 'tool_config.function_calling_config.mode' (TYPE_ENUM), {mode!r}"
        )
    if mode == "ANY" and not tools:
        raise wrong("Function calling mode ANY needs function declarations.")
    allowed = calling.get("allowedFunctionNames")
    if allowed and mode not in ("ANY", "VALIDATED"):
        raise wrong("allowed_function_names should only be set when mode is ANY or VALIDATED.")
    if set(allowed or ()) - {tool.name for tool in tools}:
        raise wrong("allowed_function_names names a function that is not declared.")
    return ToolChoice.NONE if mode == "NONE" else ToolChoice.AUTO


def _declaration(item: Any, where: str) -> ToolDeclaration:
    declaration = fields(item, where, _DECLARATION)
    name = declaration.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise wrong(
            f"* GenerateContentRequest.{where}.name: Invalid function name. Must start with a "
            "letter or an underscore and be at most 128 long."
        )
    if "parameters" in declaration and "parametersJsonSchema" in declaration:
        raise wrong(
            f"* GenerateContentRequest.{where}: parameters and parameters_json_schema "
            "are mutually exclusive."
        )
    parameters = declaration.get("parametersJsonSchema", {"type": "object"})
    if "parameters" in declaration:
        parameters = _schema(declaration["parameters"], f"{where}.parameters")
    if not isinstance(parameters, Mapping):
        raise wrong(f"Invalid value at '{where}.parameters_json_schema': expected an object.")
    return ToolDeclaration(name, str(declaration.get("description", "")), parameters)


def _schema(value: Any, where: str) -> dict[str, Any]:
    """The API's own kind of schema as JSON schema."""
    schema = fields(value, where, _SCHEMA)
    kind = str(schema.get("type", "")).upper()
    if kind and kind not in _TYPES:
        raise wrong(f"Invalid value at '{where}.type' (TYPE_ENUM), {schema['type']!r}")
    if kind == "OBJECT" and not schema.get("properties"):
        raise wrong(
            f"* GenerateContentRequest.{where}.properties: should be non-empty for OBJECT type"
        )
    if any(not isinstance(choice, str) for choice in schema.get("enum", ())):
        raise wrong(f"Invalid value at '{where}.enum[0]' (TYPE_STRING)")
    if kind:
        schema["type"] = kind.lower()
    schema |= dict(_nested(schema, where))
    return schema


def _nested(schema: Mapping[str, Any], where: str) -> Iterator[tuple[str, Any]]:
    if "items" in schema:
        yield "items", _schema(schema["items"], f"{where}.items")
    if "anyOf" in schema:
        yield "anyOf", [_schema(s, f"{where}.any_of") for s in array(schema["anyOf"], where)]
    if isinstance(schema.get("properties"), Mapping):
        properties = schema["properties"].items()
        yield "properties", {k: _schema(v, f"{where}.properties[{k}]") for k, v in properties}
