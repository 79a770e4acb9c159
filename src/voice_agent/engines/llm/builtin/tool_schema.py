"""A declared tool's parameters: what is needed, and whether a value fits.

Knows the part of JSON schema that tool declarations use; a value that cannot be shown to fit
is not sent.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from voice_agent.core.chat import ToolAccess, ToolDeclaration

_READING: Final = ("get_", "check_", "look_up_", "lookup_", "list_", "find_", "search_", "show_")
_HARMLESS: Final = frozenset({"transfer_to_human", "end_call"})
"""Asked for in so many words, these need no reading back."""


@dataclass(frozen=True)
class Parameter:
    """One parameter of a tool."""

    name: str
    schema: Mapping[str, Any]
    required: bool

    @property
    def description(self) -> str:
        """The schema's description, without its examples."""
        text = str(self.schema.get("description", ""))
        return re.split(r"[.;,(]| for example| such as", text)[0].strip()

    @property
    def options(self) -> tuple[str, ...]:
        """The values it is limited to."""
        values = self.schema.get("enum")
        return tuple(str(value) for value in values) if isinstance(values, list) else ()


@dataclass(frozen=True)
class DeclaredTool:
    """A tool the dialogue may use, its schema read once."""

    name: str
    description: str
    parameters: tuple[Parameter, ...]
    access: ToolAccess | None = None

    @classmethod
    def of(cls, declaration: ToolDeclaration) -> "DeclaredTool":
        """Read a declaration; what is malformed in it is left out."""
        parameters = _parameters_of(declaration)
        return cls(declaration.name, declaration.description, parameters, declaration.access)


def _parameters_of(tool: ToolDeclaration) -> tuple[Parameter, ...]:
    """In the order they are declared."""
    properties = tool.parameters.get("properties")
    required = tool.parameters.get("required")
    needed = set(required) if isinstance(required, list | tuple) else set()
    if not isinstance(properties, Mapping):
        return ()
    definitions = tool.parameters.get("$defs", {})
    return tuple(
        Parameter(name, _resolved(schema, definitions), name in needed)
        for name, schema in properties.items()
    )


def _resolved(schema: Any, definitions: Any) -> Mapping[str, Any]:
    """The schema with its reference followed and the choice of null left out."""
    if not isinstance(schema, Mapping):
        return {}
    if "$ref" in schema and isinstance(definitions, Mapping):
        target = definitions.get(str(schema["$ref"]).rsplit("/", 1)[-1], {})
        return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    choices = schema.get("anyOf") or schema.get("oneOf") or []
    real = [one for one in choices if isinstance(one, Mapping) and one.get("type") != "null"]
    if len(real) == 1:
        outer = {key: value for key, value in schema.items() if key not in {"anyOf", "oneOf"}}
        return {**_resolved(real[0], definitions), **outer}
    return schema


def changes_something(tool: DeclaredTool) -> bool:
    """Whether a call must be confirmed first; what is not known to only read is taken to write."""
    if tool.name in _HARMLESS:
        return False
    if tool.access is not None:
        return tool.access is not ToolAccess.READ
    return not tool.name.startswith(_READING)


def fitted(value: Any, schema: Mapping[str, Any]) -> Any:
    """The value in the schema's type.

    Raises:
        ValueError: it does not fit.
    """
    if "anyOf" in schema or "oneOf" in schema:
        return _fitted_to_any(value, schema.get("anyOf") or schema.get("oneOf") or [])
    kind = schema.get("type", "string")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "string")
    converted = _converted(value, str(kind))
    if "enum" in schema:
        converted = _chosen(converted, schema["enum"])
    if "const" in schema and converted != schema["const"]:
        raise ValueError("another constant")
    _check_limits(converted, schema)
    return converted


def _fitted_to_any(value: Any, choices: list[Mapping[str, Any]]) -> Any:
    for choice in choices:
        try:
            if choice.get("type") != "null":
                return fitted(value, choice)
        except ValueError:
            continue
    raise ValueError("fits no choice")


def _converted(value: Any, kind: str) -> Any:
    if kind == "string":
        return str(value)
    if kind == "integer":
        return int(str(value))
    if kind == "number":
        return float(str(value))
    if kind == "boolean" and str(value).lower() in {"true", "false"}:
        return str(value).lower() == "true"
    if kind == "array":
        return [str(value)]
    raise ValueError(f"cannot make a {kind} of words")


def _chosen(value: Any, options: Any) -> Any:
    wanted = str(value).casefold().replace("_", " ")
    for option in options:
        if str(option).casefold().replace("_", " ") == wanted:
            return option
    raise ValueError("not among the options")


def _check_limits(value: Any, schema: Mapping[str, Any]) -> None:
    if isinstance(value, str):
        _check_text(value, schema)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        inside = (above is None or value > above) and (below is None or value < below)
        if not (low <= value <= high and inside):
            raise ValueError("out of range")


def _check_text(value: str, schema: Mapping[str, Any]) -> None:
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        raise ValueError("too short or too long")
    pattern = schema.get("pattern")
    if isinstance(pattern, str):
        try:
            fits = re.search(pattern, value)
        except re.error as error:
            raise ValueError("a pattern that cannot be read") from error
        if not fits:
            raise ValueError("does not match")


def accepts(parameter: Parameter, value: Any) -> bool:
    """Whether a value can be sent for a parameter."""
    try:
        fitted(value, parameter.schema)
    except (ValueError, TypeError, OverflowError):
        return False
    return True
