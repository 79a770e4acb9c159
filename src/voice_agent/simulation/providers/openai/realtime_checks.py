"""Checking JSON that a client sends, field by field; what is not listed is refused."""

from collections.abc import Callable, Mapping
from typing import Any, Final

Json = dict[str, Any]
Check = Callable[[Any, str], None]
"""Takes a value and its place and raises `Invalid` when it is wrong."""


class Invalid(Exception):
    """The vendor would refuse this event; `param` is the place of what is wrong."""

    def __init__(self, message: str, *, code: str = "invalid_value", param: str = "") -> None:
        super().__init__(message)
        self.code, self.param = code, param


def fields(checks: Mapping[str, Check], *, required: tuple[str, ...] = ()) -> Check:
    """An object with these fields and no others."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise _wrong_type(place, "an object", value)
        for name in required:
            if name not in value:
                where = f"{place}.{name}"
                raise Invalid(
                    f"Missing required parameter: '{where}'.",
                    code="missing_required_parameter",
                    param=where,
                )
        for name, inner in value.items():
            where = f"{place}.{name}"
            if name not in checks:
                raise Invalid(
                    f"Unknown parameter: '{where}'.", code="unknown_parameter", param=where
                )
            checks[name](inner, where)

    return check


def tagged(kinds: Mapping[str, Check]) -> Check:
    """An object whose `type` says which of these it is."""

    def check(value: Any, place: str) -> None:
        if not isinstance(value, dict):
            raise _wrong_type(place, "an object", value)
        if "type" not in value:
            where = f"{place}.type"
            raise Invalid(
                f"Missing required parameter: '{where}'.",
                code="missing_required_parameter",
                param=where,
            )
        one_of(*kinds)(value["type"], f"{place}.type")
        kinds[value["type"]](value, place)

    return check


def one_of(*allowed: Any) -> Check:
    """One of a list of values."""

    def check(value: Any, place: str) -> None:
        if isinstance(value, dict | list) or value not in allowed:
            names = ", ".join(f"'{item}'" for item in allowed)
            raise Invalid(f"Invalid value: '{value}'. Supported values are: {names}.", param=place)

    return check


def number(lowest: float, highest: float) -> Check:
    """A number within bounds."""

    def check(value: Any, place: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _wrong_type(place, "a number", value)
        if not lowest <= value <= highest:
            raise Invalid(
                f"Invalid '{place}': expected {lowest:g} to {highest:g}, got {value:g}.",
                param=place,
            )

    return check


def whole(lowest: int, highest: int) -> Check:
    """A whole number within bounds."""
    bounds = number(lowest, highest)

    def check(value: Any, place: str) -> None:
        bounds(value, place)
        if not isinstance(value, int):
            raise _wrong_type(place, "an integer", value)

    return check


def text(value: Any, place: str) -> None:
    """A text, empty or not."""
    if not isinstance(value, str):
        raise _wrong_type(place, "a string", value)


def boolean(value: Any, place: str) -> None:
    """True or false."""
    if not isinstance(value, bool):
        raise _wrong_type(place, "a boolean", value)


def anything(_value: Any, _place: str) -> None:
    """Whatever it is."""


def nullable(check: Check) -> Check:
    """The same, or null."""

    def checked(value: Any, place: str) -> None:
        if value is not None:
            check(value, place)

    return checked


def either(first: Check, second: Check) -> Check:
    """One of two; the complaint is that of the second."""

    def checked(value: Any, place: str) -> None:
        try:
            first(value, place)
        except Invalid:
            second(value, place)

    return checked


def listed(check: Check) -> Check:
    """A list of such things."""

    def checked(value: Any, place: str) -> None:
        if not isinstance(value, list):
            raise _wrong_type(place, "an array", value)
        for index, item in enumerate(value):
            check(item, f"{place}[{index}]")

    return checked


def _wrong_type(place: str, expected: str, value: Any) -> Invalid:
    names: Final = {dict: "an object", list: "an array", str: "a string", bool: "a boolean"}
    got = "null" if value is None else names.get(type(value), "a number")
    return Invalid(
        f"Invalid type for '{place}': expected {expected}, but got {got} instead.",
        code="invalid_type",
        param=place,
    )
