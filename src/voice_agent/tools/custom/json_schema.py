"""JSON schemas of others: brought down to what every model understands, and arguments checked.

Kept are types, properties, lists, choices and bounds. References are put in place, `allOf` is
merged, `oneOf` becomes `anyOf`; conditions, negations and whatever else there is are left out,
which makes a schema more permissive, never less. Size and depth are bounded.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, floor, isfinite
from typing import Annotated, Any, Final, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, JsonValue, create_model
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError
from pydantic_core import SchemaError

from voice_agent.core.chat import JsonObject
from voice_agent.tools.schema import ArgumentsRefused, Parameters

MOST_PARTS: Final = 500
"""Parts of a schema that are looked at; the rest allows anything."""
DEEPEST: Final = 8
LONGEST_DESCRIPTION: Final = 500
_MOST_CHOICES: Final = 200
_LONGEST_PATTERN: Final = 200
_LONGEST: Final = 1_000_000
_TYPES: Final = ("string", "integer", "number", "boolean", "array", "object", "null")
_LENGTHS: Final = ("minLength", "maxLength", "minItems", "maxItems")
_BOUNDS: Final = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_FORMATS: Final = ("date", "date-time", "time", "email", "uri", "uuid")
_CONSTRAINTS: Final = {
    "minLength": "min_length",
    "maxLength": "max_length",
    "minItems": "min_length",
    "maxItems": "max_length",
    "minimum": "ge",
    "maximum": "le",
    "exclusiveMinimum": "gt",
    "exclusiveMaximum": "lt",
    "pattern": "pattern",
}
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")


def simplified(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a tool's arguments in its simple form.

    Raises:
        ValueError: it is not the schema of an object.
    """
    found = _Simplifier(schema).part(schema, 0)
    found.setdefault("type", "object")
    if found["type"] != "object":
        raise ValueError("the arguments' schema must be of type object")
    properties: dict[str, Any] = found.setdefault("properties", {})
    found["required"] = [name for name in found.get("required", []) if name in properties]
    return {name: part for name, part in found.items() if name not in ("anyOf", "description")}


def plain_text(value: object, longest: int = LONGEST_DESCRIPTION) -> str:
    """Somebody's text as one bounded line without control characters."""
    text = value if isinstance(value, str) else ""
    return " ".join(_CONTROL.sub(" ", text[: 4 * longest]).split())[:longest]


class SchemaParameters(Parameters):
    """Parameters that a JSON schema describes; the tool gets them as one object `arguments`."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """`schema` may be anybody's.

        Raises:
            ValueError: it is not the schema of an object.
        """
        self._schema = simplified(schema)
        try:
            call = create_model("Call", arguments=(_kind_of(self._schema), ...))
        except (SchemaError, PydanticSchemaGenerationError, PydanticUserError):
            raise ValueError("the arguments' schema contradicts itself") from None
        super().__init__(call)

    def json_schema(self) -> JsonObject:
        """The simple form."""
        return self._schema

    def validate(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Check and coerce; an optional argument that is null counts as left out.

        Raises:
            ArgumentsRefused: something is missing, unknown or of the wrong kind.
        """
        given = {name: value for name, value in arguments.items() if not self._idle(name, value)}
        try:
            checked = super().validate({"arguments": given})["arguments"]
        except ArgumentsRefused as refusal:
            raise ArgumentsRefused(str(refusal).replace("arguments.", "")) from None
        if isinstance(checked, BaseModel):
            checked = checked.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return {"arguments": checked}

    def canonical(self, values: Mapping[str, Any]) -> JsonObject:
        """The checked arguments are JSON already."""
        arguments: JsonObject = values["arguments"]
        return arguments

    def _idle(self, name: str, value: object) -> bool:
        optional = name in self._schema["properties"] and name not in self._schema["required"]
        return value is None and optional and not _nullable(self._schema["properties"][name])


@dataclass(slots=True)
class _Simplifier:
    """Walks one schema with a bounded number of steps."""

    root: Mapping[str, Any]
    steps: int = 0

    def part(self, node: object, depth: int) -> dict[str, Any]:
        self.steps += 1
        if not isinstance(node, Mapping) or depth > DEEPEST or self.steps > MOST_PARTS:
            return {}
        if isinstance(node.get("$ref"), str):
            return {**self.part(self._target(node["$ref"]), depth + 1), **_told(node)}
        found = {**_told(node), **_typed(node), **_chosen(node), **_bounded(node)}
        self._add_parts(found, node, depth)
        for other in _listed(node, "allOf"):
            _merge(found, self.part(other, depth + 1))
        choices = [*_listed(node, "anyOf"), *_listed(node, "oneOf")]
        if choices:
            found["anyOf"] = [self.part(choice, depth + 1) for choice in choices]
        return found

    def _add_parts(self, found: dict[str, Any], node: Mapping[str, Any], depth: int) -> None:
        if isinstance(node.get("properties"), Mapping):
            found.setdefault("type", "object")
            found["properties"] = {
                str(name): self.part(part, depth + 1)
                for name, part in list(node["properties"].items())[:MOST_PARTS]
            }
        if isinstance(node.get("items"), Mapping):
            found["items"] = self.part(node["items"], depth + 1)
        required = [name for name in _listed(node, "required") if isinstance(name, str)]
        if required:
            found["required"] = required
        additional = node.get("additionalProperties")
        if isinstance(additional, bool | Mapping):
            found["additionalProperties"] = additional is not False

    def _target(self, reference: str) -> object:
        target: object = self.root
        for step in reference.removeprefix("#/").split("/"):
            name = step.replace("~1", "/").replace("~0", "~")
            target = target.get(name) if isinstance(target, Mapping) else None
        return target


def _told(node: Mapping[str, Any]) -> dict[str, Any]:
    description = plain_text(node.get("description") or node.get("title"))
    return {"description": description} if description else {}


def _typed(node: Mapping[str, Any]) -> dict[str, Any]:
    wanted = node.get("type")
    kinds = wanted if isinstance(wanted, list) else [wanted]
    known = [kind for kind in kinds if kind in _TYPES]
    found: dict[str, Any] = {}
    if known:
        found["type"] = known[0] if len(known) == 1 else known
    if node.get("format") in _FORMATS:
        found["format"] = node["format"]
    return found


def _chosen(node: Mapping[str, Any]) -> dict[str, Any]:
    choices = [node["const"]] if "const" in node else _listed(node, "enum")
    plain = [choice for choice in choices if choice is None or isinstance(choice, str | int)]
    if not plain or len(plain) != len(choices) or len(plain) > _MOST_CHOICES:
        return {}
    return {"enum": plain}


def _bounded(node: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in _LENGTHS:
        value = node.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LONGEST:
            found[name] = value
    for name in _BOUNDS:
        value = node.get(name)
        whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
        if whole or (isinstance(value, float) and isfinite(value)):
            found[name] = value
    pattern = node.get("pattern")
    if isinstance(pattern, str) and len(pattern) <= _LONGEST_PATTERN and _compiles(pattern):
        found["pattern"] = pattern
    return found


def _compiles(pattern: str) -> bool:
    """Whether the checker, whose expressions take linear time, understands it."""
    try:
        create_model("Pattern", text=(str, Field(pattern=pattern)))
    except (SchemaError, PydanticSchemaGenerationError):
        return False
    return True


def _listed(node: Mapping[str, Any], name: str) -> list[Any]:
    value = node.get(name)
    return value if isinstance(value, list) else []


def _merge(found: dict[str, Any], other: Mapping[str, Any]) -> None:
    for name, value in other.items():
        if name == "properties":
            found["properties"] = {**found.get("properties", {}), **value}
        elif name == "required":
            found["required"] = list(dict.fromkeys((*found.get("required", ()), *value)))
        else:
            found.setdefault(name, value)


def _nullable(schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type", ())
    if kinds == "null" or "null" in kinds or None in schema.get("enum", ()):
        return True
    unbound = not kinds and "enum" not in schema and "anyOf" not in schema
    return unbound or any(_nullable(choice) for choice in schema.get("anyOf", ()))


# ── from a simple schema to what checks it ──────────────────────────────────────────────


def _kind_of(schema: Mapping[str, Any]) -> Any:
    """A type that the checker understands."""
    if "enum" in schema:
        return Literal[tuple(schema["enum"])]
    if "anyOf" in schema:
        return _either([_kind_of(choice) for choice in schema["anyOf"]])
    kinds = schema.get("type")
    if isinstance(kinds, list):
        return _either([_kind_of({**schema, "type": kind}) for kind in kinds])
    return _SIMPLE[kinds](schema) if kinds in _SIMPLE else JsonValue


def _either(kinds: list[Any]) -> Any:
    return Union[tuple(kinds)]  # noqa: UP007 - the kinds are known only now


def _constrained(kind: Any, schema: Mapping[str, Any], *names: str) -> Any:
    limits = {_CONSTRAINTS[name]: schema[name] for name in names if name in schema}
    return Annotated[kind, Field(**limits)] if limits else kind


def _integer_of(schema: Mapping[str, Any]) -> Any:
    """Bounds between two whole numbers are moved to the nearer one inside."""
    inward = {
        "minimum": ceil,
        "exclusiveMinimum": floor,
        "maximum": floor,
        "exclusiveMaximum": ceil,
    }
    whole = {name: move(schema[name]) for name, move in inward.items() if name in schema}
    return _constrained(int, whole, *_BOUNDS)


def _array_of(schema: Mapping[str, Any]) -> Any:
    items: Any = list.__class_getitem__(_kind_of(schema.get("items", {})))
    return _constrained(items, schema, "minItems", "maxItems")


def _object_of(schema: Mapping[str, Any]) -> Any:
    properties = schema.get("properties") or {}
    open_ended = schema.get("additionalProperties", not properties) is True
    if not properties and open_ended:
        return dict[str, JsonValue]
    required = schema.get("required", ())
    fields: dict[str, Any] = {
        f"field_{number}": (
            _kind_of(part),
            Field(... if name in required else None, alias=name),
        )
        for number, (name, part) in enumerate(properties.items())
    }
    config = ConfigDict(
        extra="allow" if open_ended else "forbid", str_strip_whitespace=True, allow_inf_nan=False
    )
    return create_model("Arguments", __config__=config, **fields)


_SIMPLE: Final = {
    "string": lambda schema: _constrained(str, schema, "minLength", "maxLength", "pattern"),
    "integer": _integer_of,
    "number": lambda schema: _constrained(float, schema, *_BOUNDS),
    "boolean": lambda _schema: bool,
    "null": lambda _schema: None,
    "array": _array_of,
    "object": _object_of,
}
