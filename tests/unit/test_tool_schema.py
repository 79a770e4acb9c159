"""From a signature to a JSON schema, and from what a model sends to checked arguments."""

import json
from datetime import date
from enum import StrEnum
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from voice_agent.core.chat import JsonObject, ToolContext
from voice_agent.tools.base import Access, Tool
from voice_agent.tools.builtin.check_order_status import parse_order_id
from voice_agent.tools.ledger import idempotency_key
from voice_agent.tools.schema import ArgumentsRefused, description_of, parameters_of


class Size(StrEnum):
    """How large."""

    SMALL = "small"
    LARGE = "large"


class Address(BaseModel):
    """Where to."""

    street: str
    size: Size = Size.SMALL


async def ship(  # noqa: PLR0917 - a tool has as many as the model must fill
    day: date,
    size: Size,
    address: Address,
    rating: Annotated[int, Field(ge=1, le=5)] = 3,
    mode: Literal["air", "sea"] = "sea",
    note: str | None = None,
    *,
    orders: object,
) -> JsonObject:
    """Ship something
    somewhere.

    Args:
        day: The day it leaves,
            in the shop's time zone.
        size: How large it is.
        address: Where it goes.
        rating: How urgent.
        mode: How it travels.
        note: For the driver.
        orders: Not for the model.

    Returns:
        Nothing much.
    """
    return {"day": day.isoformat(), "size": size, "address": address, "orders": str(orders)}


PARAMETERS = parameters_of(ship)
GOOD = {"day": "2026-11-25", "size": "large", "address": {"street": "Main"}}


def test_the_schema_has_descriptions_enums_formats_and_no_references() -> None:
    schema = PARAMETERS.json_schema()
    text = json.dumps(schema)
    assert "$ref" not in text
    assert "title" not in text
    assert "null" not in text
    assert schema["required"] == ["day", "size", "address"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["day"] == {
        "type": "string",
        "format": "date",
        "description": "The day it leaves, in the shop's time zone.",
    }
    assert schema["properties"]["size"]["enum"] == ["small", "large"]
    assert schema["properties"]["rating"]["maximum"] == 5
    assert schema["properties"]["mode"]["enum"] == ["air", "sea"]
    assert schema["properties"]["note"] == {"type": "string", "description": "For the driver."}
    assert "orders" not in schema["properties"]


def test_the_description_is_the_docstrings_first_paragraphs() -> None:
    assert description_of(ship) == "Ship something somewhere."


def test_arguments_become_the_types_of_the_signature() -> None:
    values = PARAMETERS.validate({**GOOD, "rating": "4"})
    assert list(values) == ["day", "size", "address", "rating", "mode", "note"]
    assert values["day"] == date(2026, 11, 25)
    assert values["rating"] == 4
    assert values["address"] == Address(street="Main")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"day": "soon"}, "day: "),
        ({"size": "huge"}, "size: Input should be 'small' or 'large'"),
        ({"rating": 6}, "rating: Input should be less than or equal to 5"),
        ({"address": {}}, "address.street: Field required"),
        ({"colour": "red"}, "colour: Extra inputs are not permitted"),
        ({"day": None}, "day: "),
    ],
)
def test_what_is_wrong_is_told_by_name(change: dict[str, object], told: str) -> None:
    with pytest.raises(ArgumentsRefused) as caught:
        PARAMETERS.validate({**GOOD, **change})
    assert told in str(caught.value)


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    with pytest.raises(ArgumentsRefused) as caught:
        PARAMETERS.validate({**GOOD, "rating": "four-one-one-one"})
    assert "four-one" not in str(caught.value)


async def undescribed(day: date) -> JsonObject:
    """Do something."""
    return {"day": day.isoformat()}


async def undocumented() -> JsonObject:
    return {}


@pytest.mark.parametrize("function", [undescribed, undocumented])
def test_a_function_that_explains_too_little_is_no_tool(function: object) -> None:
    assert callable(function)
    with pytest.raises(TypeError):
        Tool.of(function, Access.READ)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
argument_names = st.sampled_from(["day", "size", "address", "rating", "mode", "note"])


@given(st.dictionaries(argument_names | st.text(max_size=6), json_values))
def test_any_json_is_either_accepted_or_refused_with_a_sentence(
    arguments: dict[str, object],
) -> None:
    try:
        values = PARAMETERS.validate(arguments)
    except ArgumentsRefused as refusal:
        assert str(refusal)  # noqa: PT017 - acceptance is fine too
    else:
        json.dumps(PARAMETERS.canonical(values))


@given(st.dictionaries(st.text(max_size=6), json_values, max_size=5), st.randoms())
def test_the_key_does_not_depend_on_the_order_of_arguments(
    arguments: dict[str, object], random: object
) -> None:
    shuffled = list(arguments.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    context = ToolContext("call", 1)
    key = idempotency_key(context, "tool", arguments)
    assert idempotency_key(context, "tool", dict(shuffled)) == key


@given(
    st.tuples(st.text(max_size=4), st.integers(0, 3), st.text(max_size=4), st.integers()),
    st.tuples(st.text(max_size=4), st.integers(0, 3), st.text(max_size=4), st.integers()),
)
def test_another_call_turn_tool_or_argument_is_another_key(
    one: tuple[str, int, str, int], other: tuple[str, int, str, int]
) -> None:
    keys = [
        idempotency_key(ToolContext(call, turn), tool, {"value": value})
        for call, turn, tool, value in (one, other)
    ]
    assert (keys[0] == keys[1]) is (one == other)


@pytest.mark.parametrize(
    "given_id",
    [1042, 1042.0, "1042", "#1042", "order 1042", "Order #1042, please", " 10 42 ", "10-42"],
)
def test_an_order_number_is_found_in_whatever_form(given_id: object) -> None:
    assert parse_order_id(given_id) == 1042


@pytest.mark.parametrize(
    "given_id",
    ["", "none", "1042 or 1043", -1042, "-1042", True, None, [1042], 10.5, "9" * 13, "১০৪২"],
)
def test_what_is_not_one_order_number_is_refused(given_id: object) -> None:
    with pytest.raises(ValueError, match="order number"):
        parse_order_id(given_id)


@given(st.integers(0, 10**12 - 1), st.sampled_from(["", "#", "order ", "number "]))
def test_every_order_number_survives_its_dressing(number: int, prefix: str) -> None:
    assert parse_order_id(f"{prefix}{number}") == number


@given(json_values)
def test_any_json_is_an_order_number_or_a_value_error(value: object) -> None:
    try:
        assert parse_order_id(value) >= 0
    except ValueError as error:
        assert "order number" in str(error)  # noqa: PT017 - a number is fine too
