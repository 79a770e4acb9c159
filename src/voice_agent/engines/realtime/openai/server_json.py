"""Reading the server's events, which may be anything; pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from voice_agent.core.chat import JsonObject

LATEST: Final = 86_400_000
"""Milliseconds; no session has a later moment."""


class Malformed(ValueError):
    """Not what the protocol says; the message holds no words of the event."""


def read_object(message: str | bytes) -> JsonObject:
    """The event in a message.

    Raises:
        Malformed: it is no JSON object in text.
    """
    if isinstance(message, bytes):
        raise Malformed("binary where text belongs")
    try:
        value: Any = orjson.loads(message)
    except ValueError:
        raise Malformed("not JSON") from None
    if not isinstance(value, dict):
        raise Malformed("not a JSON object")
    return value


def word(values: JsonObject, key: str) -> str:
    """The text under `key`, which must not be missing or empty."""
    value = text(values, key)
    if not value:
        raise Malformed(f"no {key}")
    return value


def text(values: JsonObject, key: str) -> str:
    """The text under `key`, "" where it is null or missing."""
    value = values.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Malformed(f"{key} is no text")
    return value


def milliseconds(values: JsonObject, key: str) -> float:
    """The moment under `key` in seconds."""
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LATEST:
        raise Malformed(f"{key} is no moment")
    return value / 1000


def count(values: JsonObject, key: str) -> float:
    """A figure that is never worth failing for; 0 where it is none."""
    value = values.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e12:
        return 0
    return value


def inner(values: JsonObject, key: str) -> JsonObject:
    """The object under `key`, empty where there is none."""
    value = values.get(key)
    return value if isinstance(value, Mapping) else {}


def objects(values: JsonObject, key: str) -> Sequence[JsonObject]:
    """The objects in the list under `key`; none where it is null or missing."""
    value = values.get(key)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Malformed(f"{key} is no list")
    return [item for item in value if isinstance(item, Mapping)]
