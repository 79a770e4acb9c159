"""Objects of the Gemini API: every key may be camelCase or snake_case, and none unknown."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from voice_agent.simulation.providers.gemini.errors import wrong

_HUMP: Final = re.compile(r"(?<!^)([A-Z])")
_ANY: Final = "type.googleapis.com/google.protobuf."


def snake(name: str) -> str:
    """`systemInstruction` as `system_instruction`."""
    return _HUMP.sub(r"_\1", name).lower()


def fields(value: Any, where: str, known: Iterable[str]) -> dict[str, Any]:
    """An object's fields by their camelCase names; nulls are as if they were not there.

    Raises:
        Refused: it is no object, or has a field that is not in `known`.
    """
    if not isinstance(value, Mapping):
        raise wrong(f"Invalid value at '{where}': expected an object.")
    spellings = {spelling: name for name in known for spelling in (name, snake(name))}
    found: dict[str, Any] = {}
    for key, item in value.items():
        if key not in spellings:
            place = f" at '{where}'" if where else ""
            raise wrong(
                f'Invalid JSON payload received. Unknown name "{key}"{place}: Cannot find field.'
            )
        if item is not None:
            found[spellings[key]] = item
    return found


def array(value: Any, where: str) -> list[Any]:
    """A list; a single object stands for a list of one.

    Raises:
        Refused: it is neither.
    """
    if isinstance(value, Mapping):
        return [value]
    if not isinstance(value, list):
        raise wrong(f"Invalid value at '{where}': expected a list.")
    return value


def struct(value: Any, where: str) -> Mapping[str, Any]:
    """A free-form object.

    Raises:
        Refused: it is no object.
    """
    if not isinstance(value, Mapping):
        raise wrong(f"Invalid value at '{where}' ({_ANY}Struct): expected an object.")
    return value
