"""JSON schemas reduced to the words that Gemini knows."""

from typing import Any, Final

from voice_agent.core.chat import JsonObject

_PLAIN: Final = frozenset(
    {
        *("type", "format", "title", "description", "enum", "required", "default"),
        *("minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength"),
        *("pattern", "nullable", "propertyOrdering", "additionalProperties", "$ref"),
    }
)
_NAMED: Final = frozenset({"properties", "$defs"})
_LISTS: Final = frozenset({"anyOf", "oneOf"})


def reduced(schema: JsonObject) -> JsonObject:
    """The schema without unknown words; what they demanded is left to the tool's own check."""
    kept: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _NAMED and isinstance(value, dict):
            kept[key] = {name: _reduced(item) for name, item in value.items()}
        elif key in _LISTS and isinstance(value, list):
            kept["anyOf"] = [_reduced(item) for item in value]
        elif key == "items":
            kept[key] = _reduced(value)
        elif key == "const":
            kept["enum"] = [value]
        elif key in _PLAIN:
            kept[key] = value
    return _with_string_choices(kept)


def _reduced(item: Any) -> Any:
    return reduced(item) if isinstance(item, dict) else item


def _with_string_choices(schema: dict[str, Any]) -> JsonObject:
    """Choices are of texts only: others are told in the description."""
    choices = schema.get("enum")
    if not isinstance(choices, list) or all(isinstance(one, str) for one in choices):
        return schema
    told = f"{schema.get('description', '')} One of: {', '.join(map(str, choices))}.".strip()
    return {**{key: schema[key] for key in schema if key != "enum"}, "description": told}
