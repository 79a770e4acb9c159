"""From what was said to a tool's arguments: which words fill which parameter."""

from collections.abc import Mapping
from typing import Any, Final

from voice_agent.core.speech import Expectation
from voice_agent.engines.llm.builtin.decisions import Task
from voice_agent.engines.llm.builtin.tool_schema import DeclaredTool, Parameter, accepts
from voice_agent.engines.nlu.understanding import Understanding

_ENTITIES: Final[Mapping[str, tuple[str, ...]]] = {
    "order_id": ("order_id",),
    "order_number": ("order_id",),
    "confirmation_number": ("confirmation_number",),
    "identifier": ("email", "phone", "identifier"),
    "date": ("date",),
    "new_date": ("date",),
    "time": ("time",),
    "new_time": ("time",),
    "name": ("name",),
    "rating": ("rating",),
    "department": ("department",),
    "email": ("email",),
    "phone": ("phone",),
    "phone_number": ("phone",),
    "purpose": ("purpose",),
}
"""Parameters that only a value of these kinds can fill; the others take the caller's words."""

_EXPECTED: Final[Mapping[str, Expectation]] = {
    "order_id": Expectation.DIGITS,
    "order_number": Expectation.DIGITS,
    "confirmation_number": Expectation.DIGITS,
    "phone": Expectation.DIGITS,
    "phone_number": Expectation.DIGITS,
    "identifier": Expectation.DIGITS,
    "rating": Expectation.DIGITS,
    "date": Expectation.DATE_TIME,
    "new_date": Expectation.DATE_TIME,
    "time": Expectation.DATE_TIME,
    "new_time": Expectation.DATE_TIME,
    "name": Expectation.NAME,
}
_LONGEST: Final = 300


def expected_for(parameter: str) -> Expectation:
    """How an answer to the question for `parameter` is read."""
    return _EXPECTED.get(parameter, Expectation.ANYTHING)


def takes_words(parameter: Parameter) -> bool:
    """Whether the caller's own words fill a parameter (a purpose, a comment)."""
    free = parameter.name not in _ENTITIES or parameter.name == "purpose"
    return free and not parameter.options and parameter.schema.get("type", "string") == "string"


def slots_from(tool: DeclaredTool, heard: Understanding, text: str) -> dict[str, Any]:
    """Values in an utterance for a tool's parameters, only those that fit its schema."""
    found: dict[str, Any] = {}
    for parameter in tool.parameters:
        value = _value(parameter, heard, text)
        if value is not None and accepts(parameter, value):
            found[parameter.name] = value
    return found


def _value(parameter: Parameter, heard: Understanding, text: str) -> str | None:
    for name in _ENTITIES.get(parameter.name, (parameter.name,)):
        if entity := heard.entity(name):
            return entity.value
    return _option(parameter, text) if parameter.options else None


def _option(parameter: Parameter, text: str) -> str | None:
    said = f" {text.casefold()} "
    named = [option for option in parameter.options if _named(option, said)]
    return named[0] if len(named) == 1 else None


def _named(option: str, said: str) -> bool:
    return f" {option.casefold().replace('_', ' ')} " in said.replace(",", " ").replace(".", " ")


def answer_for(parameter: Parameter, heard: Understanding, text: str) -> str | None:
    """The whole answer as the value of a parameter that takes words or a plain number."""
    if takes_words(parameter):
        words = " ".join(text.split())[:_LONGEST]
        return words if words and accepts(parameter, words) else None
    if parameter.name not in _ENTITIES and parameter.schema.get("type") in {"integer", "number"}:
        entity = heard.entity("order_id") or heard.entity("rating")
        return entity.value if entity and accepts(parameter, entity.value) else None
    return None


def missing(tool: DeclaredTool, task: Task, given: Mapping[str, Any]) -> Parameter | None:
    """The first needed parameter that neither the caller nor `given` has filled."""
    for parameter in tool.parameters:
        needed = parameter.required or parameter.name == task.asking
        if needed and parameter.name not in task.slots and parameter.name not in given:
            return parameter
    return None
