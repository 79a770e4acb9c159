"""Reading decoded JSON that may be anything: null counts as absent, a wrong type is an error."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from voice_agent.core.chat import JsonObject

NOTHING: Final[JsonObject] = {}


class MalformedJson(ValueError):
    """The text is no JSON, or a value has another type than the protocol says."""


def decode_object(text: str) -> JsonObject:
    """The JSON object in `text`.

    Raises:
        MalformedJson: there is none.
    """
    try:
        value: Any = orjson.loads(text)
    except ValueError:
        raise MalformedJson("not JSON") from None
    if not isinstance(value, dict):
        raise MalformedJson("not a JSON object")
    return value


def object_in(values: JsonObject, key: str) -> JsonObject:
    """The object under `key`, empty when absent.

    Raises:
        MalformedJson: it is of another type.
    """
    value = values.get(key)
    if value is None:
        return NOTHING
    if not isinstance(value, Mapping):
        raise MalformedJson(f"{key} is no object")
    return value


def objects_in(values: JsonObject, key: str) -> Sequence[JsonObject]:
    """The objects in the list under `key`, none when absent.

    Raises:
        MalformedJson: it is no list, or holds something else.
    """
    value = values.get(key)
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
        raise MalformedJson(f"{key} is no list of objects")
    return value


def text_in(values: JsonObject, key: str) -> str:
    """The text under `key`, "" when absent.

    Raises:
        MalformedJson: it is of another type.
    """
    value = values.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise MalformedJson(f"{key} is no text")
    return value


def count_in(values: JsonObject, key: str) -> int:
    """The count under `key`; 0 when absent or not a count, since figures never stop an answer."""
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return 0
    return value
