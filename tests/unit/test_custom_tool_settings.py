"""What operators and servers say about tools without code: read, named and checked."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.chat import JsonObject
from voice_agent.core.errors import ConfigurationError, ToolError
from voice_agent.tools.custom.json_schema import (
    MOST_PARTS,
    SchemaParameters,
    plain_text,
    simplified,
)
from voice_agent.tools.custom.names import SERVER_NAME, TOOL_NAME, name_of_tool
from voice_agent.tools.custom.results import as_content, fill, read_body, select, told_reason
from voice_agent.tools.custom.settings import (
    CustomToolSettings,
    read_mcp_servers,
    read_webhooks,
)
from voice_agent.tools.schema import ArgumentsRefused

HOOK = {
    "name": "check_stock",
    "description": "How many are left.",
    "url": "https://shop.example/stock",
    "access": "read",
}
KEYWORDS = [
    "type", "properties", "items", "required", "enum", "const", "anyOf", "oneOf", "allOf", "$ref",
    "$defs", "minimum", "maxLength", "minItems", "pattern", "description", "additionalProperties",
    "title", "format", "not",
]  # fmt: skip
WORDS = ["string", "integer", "object", "array", "null", "#/$defs/type", "#/", "#", "(", "\\d+", ""]

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
leaves = st.none() | st.booleans() | numbers | st.text() | st.sampled_from(WORDS)
anything = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(KEYWORDS) | st.text(max_size=4), inner, max_size=5)
    ),
    max_leaves=25,
)
schemas = st.dictionaries(st.sampled_from(KEYWORDS), anything, max_size=6)
sound = st.recursive(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["string", "integer", "number", "boolean", "null", "array"])},
        optional={
            "minimum": st.integers() | st.floats(),
            "exclusiveMaximum": st.integers() | st.floats(),
            "minLength": st.integers(),
            "maxItems": st.integers(),
            "pattern": st.text(max_size=6),
        },
    )
    | st.fixed_dictionaries({"enum": st.lists(leaves, max_size=3)}),
    lambda inner: (
        st.fixed_dictionaries({"type": st.just("array"), "items": inner})
        | st.fixed_dictionaries({"anyOf": st.lists(inner, max_size=3)})
        | st.fixed_dictionaries(
            {"properties": st.dictionaries(st.text(max_size=3), inner, max_size=3)},
            optional={"required": st.lists(st.text(max_size=3)), "additionalProperties": inner},
        )
    ),
    max_leaves=8,
)
servers = st.from_regex(SERVER_NAME, fullmatch=True)


# ── names ───────────────────────────────────────────────────────────────────────────────


@given(servers, st.text(max_size=90))
def test_every_name_of_a_servers_tool_fits_every_provider(server: str, tool: str) -> None:
    assert TOOL_NAME.fullmatch(name_of_tool(server, tool))


@given(
    st.tuples(servers, st.text("ab-_. é", max_size=80)),
    st.tuples(servers, st.text("ab-_. é", max_size=80)),
)
def test_two_tools_never_get_one_name(one: tuple[str, str], other: tuple[str, str]) -> None:
    assert (name_of_tool(*one) == name_of_tool(*other)) == (one == other)


def test_a_name_that_fits_is_kept_readable() -> None:
    assert name_of_tool("crm", "find_customer") == "crm-find_customer"


def test_a_name_that_was_made_to_look_like_anothers_hash_gets_a_hash_of_its_own() -> None:
    victim = name_of_tool("crm", "find customer")
    assert name_of_tool("crm", victim.removeprefix("crm-")) != victim


# ── schemas ─────────────────────────────────────────────────────────────────────────────


@given(schemas | sound, anything)
def test_any_schema_and_any_arguments_are_checked_or_refused(
    schema: JsonObject, given: Any
) -> None:
    try:
        parameters = SchemaParameters(schema)
    except ValueError:
        return
    json.dumps(parameters.json_schema())
    arguments = given if isinstance(given, dict) else {"type": given}
    try:
        checked = parameters.validate(arguments)
    except ArgumentsRefused:
        return
    json.dumps(parameters.canonical(checked))


def test_a_schema_of_references_that_go_round_ends() -> None:
    node: dict[str, Any] = {"type": "object", "properties": {"child": {"$ref": "#/$defs/node"}}}
    schema = {"$ref": "#/$defs/node", "$defs": {"node": node}}
    assert SchemaParameters(schema).validate({"child": {"child": {}}})["arguments"] == {
        "child": {"child": {}}
    }


def test_a_schema_that_multiplies_is_cut_off() -> None:
    names = [f"d{number}" for number in range(8)]
    definitions: dict[str, Any] = {
        name: {
            "type": "object",
            "properties": {p: {"$ref": f"#/$defs/{below}"} for p in "abcdefgh"},
        }
        for name, below in pairwise(names)
    }
    found = simplified({"$ref": "#/$defs/d0", "$defs": definitions})
    assert json.dumps(found).count('"properties"') <= MOST_PARTS


def test_what_models_do_not_understand_is_left_out_and_the_rest_kept() -> None:
    found = simplified(
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Query",
            "type": "object",
            "allOf": [{"properties": {"a": {"type": "integer", "minimum": 1}}, "required": ["a"]}],
            "properties": {
                "b": {"oneOf": [{"type": "string"}, {"type": "null"}], "description": "x\n\x00y"},
                "c": {"$ref": "#/$defs/colour", "description": "A colour."},
                "d": {"type": "string", "pattern": "(?=lookahead)a", "not": {"const": "z"}},
            },
            "if": {"required": ["a"]},
            "required": ["b", "missing"],
            "$defs": {"colour": {"enum": ["red", "blue"]}},
        }
    )
    assert found == {
        "type": "object",
        "properties": {
            "b": {"description": "x y", "anyOf": [{"type": "string"}, {"type": "null"}]},
            "c": {"enum": ["red", "blue"], "description": "A colour."},
            "d": {"type": "string"},
            "a": {"type": "integer", "minimum": 1},
        },
        "required": ["b", "a"],
    }


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "integer", "minimum": 1}, 3, 0),
        ({"type": "number", "exclusiveMaximum": 2}, 1.5, 2),
        ({"type": "string", "minLength": 2, "pattern": "^a"}, "ab", "ba"),
        ({"type": "boolean"}, True, "perhaps"),
        ({"enum": ["red", 1, None]}, 1, "green"),
        ({"const": "red"}, "red", "green"),
        ({"type": ["string", "null"]}, None, []),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 2}, [1, 2], [1, 2, 3]),
        ({"anyOf": [{"type": "integer"}, {"type": "boolean"}]}, 4, "x"),
        ({"type": "object", "properties": {"x-y": {"type": "string"}}}, {"x-y": "a"}, {"z": 1}),
        ({"type": "object", "additionalProperties": {"type": "string"}}, {"k": "v"}, 5),
    ],
)
def test_arguments_are_held_to_their_schema(schema: JsonObject, good: object, bad: object) -> None:
    parameters = SchemaParameters({"properties": {"class": schema}, "required": ["class"]})
    assert parameters.validate({"class": good}) == {"arguments": {"class": good}}
    with pytest.raises(ArgumentsRefused, match=r"^class"):
        parameters.validate({"class": bad})


def test_null_for_something_optional_counts_as_left_out() -> None:
    schema = {"properties": {"a": {"type": "string"}, "b": {"type": ["string", "null"]}}}
    found = SchemaParameters(schema).validate({"a": None, "b": None})
    assert found == {"arguments": {"b": None}}


def test_a_refusal_does_not_repeat_what_was_sent() -> None:
    parameters = SchemaParameters({"properties": {"pin": {"type": "integer"}}})
    with pytest.raises(ArgumentsRefused) as refusal:
        parameters.validate({"pin": "my secret"})
    assert "secret" not in str(refusal.value)


@given(st.text())
def test_a_strangers_text_becomes_one_bounded_line(text: str) -> None:
    plain = plain_text(text)
    assert len(plain) <= 500
    assert "\n" not in plain
    assert plain.isascii() or not set(plain) & set("\u202e\u2066\x00\x1b")


# ── results ─────────────────────────────────────────────────────────────────────────────


@given(
    st.binary(max_size=200), st.sampled_from(["", "application/json", "text/plain", "image/png"])
)
def test_any_answer_is_read_or_refused(body: bytes, kind: str) -> None:
    try:
        content = as_content(read_body(body, kind))
    except ToolError:
        return
    json.dumps(dict(content))
    assert isinstance(told_reason(content), str)


@given(anything, st.text("a0.{}", max_size=8))
def test_any_path_into_any_answer_finds_something_or_is_refused(answer: Any, path: str) -> None:
    for ask in (select, lambda value, text: fill(text, value)):
        try:
            ask(answer, path)
        except ToolError:
            continue


# ── settings ────────────────────────────────────────────────────────────────────────────


def test_a_webhook_needs_little_and_keeps_its_secrets_to_itself() -> None:
    (hook,) = read_webhooks([{**HOOK, "secret": "s3cret", "headers": {"X-Key": "k3y"}}])
    assert hook.method == "POST"
    assert "s3cret" not in repr(hook)
    assert "k3y" not in repr(hook)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": "1st"}, "custom_tools[0].name: String should match"),
        ({"name": None}, "custom_tools[0].name"),
        ({"access": "sometimes"}, "custom_tools[0].access: Input should be 'read'"),
        ({"url": "ftp://a.example/"}, "custom_tools[0].url: Only http:// and https://"),
        ({"url": "https://a:b@c.example/"}, "custom_tools[0].url: The URL contains credentials"),
        ({"url": "https://{host}/"}, "url: the host cannot come from an argument"),
        ({"url": "https://a.example/{id}"}, "url: {id} is not a required parameter"),
        ({"url": "https://2130706433/"}, "custom_tools[0].url: The host is neither"),
        ({"method": "DELETE"}, "custom_tools[0].method: Input should be 'GET'"),
        ({"timeout_s": 9}, "custom_tools[0].timeout_s: Input should be less than or equal to 8"),
        ({"parameters": {"type": "array"}}, "custom_tools[0].parameters: the arguments' schema"),
        ({"headers": {"Host": "x"}}, "custom_tools[0].headers: Host is set by the agent itself"),
        ({"headers": {"X-A": "a\r\nX-B: b"}}, "custom_tools[0].headers: 'X-A' is no header"),
        ({"colour": "red"}, "custom_tools[0].colour: Extra inputs are not permitted"),
    ],
)
def test_a_mistake_in_a_webhook_is_named_with_its_place(change: JsonObject, told: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read_webhooks([{**HOOK, **change}])
    assert told in str(error.value)


def test_two_webhooks_of_one_name_and_all_mistakes_are_told_at_once() -> None:
    with pytest.raises(ConfigurationError) as error:
        read_webhooks([HOOK, HOOK, {**HOOK, "name": "other", "method": "PATCH"}])
    assert str(error.value).splitlines()[0] == (
        "custom_tools[1].name: there are two tools called check_stock"
    )
    assert "custom_tools[2].method" in str(error.value)


@pytest.mark.parametrize(
    ("name", "server", "told"),
    [
        ("shop", {}, "mcp_servers.shop: give either command or url"),
        ("shop", {"command": "a", "url": "https://a.example/"}, "give either command or url"),
        ("shop", {"url": "https://a.example/", "env": {"A": "b"}}, "belong to a command"),
        ("shop", {"command": "a", "headers": {"A": "b"}}, "headers belong to a url"),
        ("My Shop", {"command": "a"}, "mcp_servers.My Shop: a server's name has up to 24"),
        ("shop", {"url": "file:///etc"}, "mcp_servers.shop.url: Only http:// and https://"),
        ("shop", {"command": "a", "access": {"t": "often"}}, "mcp_servers.shop.access.t"),
    ],
)
def test_a_mistake_in_a_server_is_named_with_its_place(
    name: str, server: JsonObject, told: str
) -> None:
    with pytest.raises(ConfigurationError) as error:
        read_mcp_servers({name: server})
    assert told in str(error.value)


def test_a_wrong_entry_of_the_list_of_allowed_places_is_named() -> None:
    with pytest.raises(ConfigurationError, match=r"outbound_allowed: '10\.0\.0\.1/8'"):
        CustomToolSettings.read([], {}, ["10.0.0.1/8"])
    assert CustomToolSettings.read([HOOK], {"shop": {"command": "a"}}, ["10.0.0.0/8"]).webhooks
