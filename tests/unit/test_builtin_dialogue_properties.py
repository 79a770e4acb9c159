"""What must hold for the built-in dialogue whatever is said to it."""

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from support.dialogue import ANSWERS, NINE_TOOLS, NOW, Dialogue, declare
from voice_agent.core.chat import Message, Role, ToolCall, ToolDeclaration
from voice_agent.core.speech import Expectation
from voice_agent.engines.llm.builtin.decide import decide, expectation
from voice_agent.engines.llm.builtin.decisions import CallTool, Say
from voice_agent.engines.nlu.language import load_language
from voice_agent.engines.nlu.table_understander import TableUnderstander
from voice_agent.engines.nlu.understanding import Context

CUSTOM = declare("call_valet", "Bring the car.", spot="integer", gate="string?")
TOOLS = (*NINE_TOOLS, CUSTOM)
WRITING = {
    "schedule_appointment",
    "cancel_appointment",
    "reschedule_appointment",
    "collect_feedback",
    "call_valet",
}
SAID = (
    *("yes", "no", "yes please", "no thanks", "okay", "where is my order", "ten forty two"),
    *("no ten forty three", "cancel my appointment", "a b c 1 2 3", "book an appointment"),
    *("tomorrow at three", "next tuesday", "noon", "john smith", "my name is mary", "a checkup"),
    *("reschedule my appointment", "friday", "i want to leave feedback", "five", "four stars"),
    *("call the valet", "spot twelve", "never mind", "what did you say", "hold on", "goodbye"),
    *("i don't know", "talk to a human", "billing", "what are your hours", "help", "bla", ""),
)
utterances = st.one_of(st.sampled_from(SAID), st.text(max_size=60))
confidences = st.one_of(st.just(1.0), st.floats(0, 1))
turns = st.lists(st.tuples(utterances, confidences), min_size=1, max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)
UNDERSTANDER = TableUnderstander(load_language("en"))


def assert_fits(arguments: Mapping[str, Any], tool: ToolDeclaration) -> None:
    """The part of JSON schema that these declarations use."""
    properties = tool.parameters["properties"]
    assert set(tool.parameters["required"]) <= arguments.keys() <= properties.keys()
    kinds = {"string": str, "integer": int}
    for name, value in arguments.items():
        assert isinstance(value, kinds[properties[name]["type"]])
    assert json.loads(json.dumps(arguments)) == arguments


class Checked(Dialogue):
    """A dialogue that looks at every call when it is made."""

    def _run(self, decision: CallTool) -> None:
        tool = {tool.name: tool for tool in TOOLS}[decision.name]
        assert_fits(decision.arguments, tool)
        if decision.name in WRITING:
            self._assert_confirmed()
        super()._run(decision)

    def _assert_confirmed(self) -> None:
        said = [m for m in self.messages if m.role is Role.USER][-1]
        asked = [m for m in self.messages if m.role is Role.ASSISTANT and m.text][-1]
        heard = UNDERSTANDER.understand(said.text, Context(expectation=Expectation.YES_NO))
        assert heard.agrees is True
        assert said.confidence >= 0.6
        assert expectation([asked]) is Expectation.YES_NO


ANY_ANSWER = {**ANSWERS, "call_valet": lambda _: {"message": "Coming."}}


@settings(max_examples=150, deadline=None)
@given(turns)
def test_nothing_is_written_that_the_caller_did_not_confirm(
    spoken: list[tuple[str, float]],
) -> None:
    dialogue = Checked(TOOLS, ANY_ANSWER)
    for text, confidence in spoken:
        dialogue.hear(text, confidence)
        assert dialogue.said.strip()
        assert "{" not in dialogue.said
        assert "[" not in dialogue.said.replace(text, "")


@settings(max_examples=100, deadline=None)
@given(turns, st.integers(0, 40), json_values)
def test_with_cut_replies_and_odd_results_it_still_speaks(
    spoken: list[tuple[str, float]], heard: int, odd: Any
) -> None:
    content = odd if isinstance(odd, dict) else {"value": odd}
    dialogue = Checked(TOOLS, {tool.name: lambda _: content for tool in TOOLS})
    for text, confidence in spoken:
        dialogue.hear(text, confidence)
        assert dialogue.said.strip()
        dialogue.cut(dialogue.said[:heard])


messages = st.builds(
    Message,
    st.sampled_from(Role),
    utterances,
    tool_calls=st.lists(
        st.builds(
            ToolCall,
            st.sampled_from(["a", "b", "c"]),
            st.sampled_from([*ANSWERS, "unknown_tool", ""]),
            st.dictionaries(st.sampled_from(["order_id", "date", "x"]), json_values, max_size=2),
        ),
        max_size=2,
    ).map(tuple),
    call_id=st.sampled_from(["", "a", "b"]),
    confidence=confidences,
    interrupted=st.booleans(),
)
any_tools = st.lists(st.sampled_from(TOOLS), unique_by=lambda tool: tool.name).map(tuple)


@settings(max_examples=250, deadline=None)
@given(st.lists(messages, max_size=10), any_tools)
def test_any_history_gives_words_or_a_call_that_fits(
    history: list[Message], tools: tuple[ToolDeclaration, ...]
) -> None:
    decision = decide(history, tools, NOW)
    assert decide(history, tools, NOW) == decision
    expectation(history)
    if isinstance(decision, Say):
        assert decision.text.strip()
        return
    declared = {tool.name: tool for tool in tools}
    assert_fits(decision.arguments, declared[decision.name])


odd_schemas = st.dictionaries(
    st.sampled_from(["order_id", "date", "size", "mode"]),
    st.sampled_from(
        [
            {},
            {"type": "string", "pattern": "^[A-Z]{3}$"},
            {"type": "string", "enum": ["red", "light_blue"], "description": "the colour."},
            {"type": "integer", "minimum": 3, "maximum": 9},
            {"type": "number"},
            {"type": "boolean"},
            {"type": "object"},
            {"type": ["string", "null"]},
            {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            {"anyOf": [{"type": "integer"}, {"type": "string"}]},
            {"$ref": "#/$defs/Nothing"},
            {"type": "string", "pattern": "(["},
        ]
    ),
)


@settings(max_examples=100, deadline=None)
@given(odd_schemas, turns)
def test_any_schema_is_asked_for_without_an_error(
    properties: dict[str, Any], spoken: list[tuple[str, float]]
) -> None:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    tools = (
        ToolDeclaration("check_order_status", "Looks.", schema),
        ToolDeclaration("call_valet", "", schema),
    )
    dialogue = Dialogue(tools, {tool.name: lambda _: {} for tool in tools})
    for text, confidence in spoken:
        dialogue.hear(text, confidence)
        assert dialogue.said.strip()
