"""From an async function's signature and docstring to what a model is told and checked with."""

import inspect
import re
import textwrap
from collections.abc import Callable, Mapping
from typing import Any, Final, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model

from voice_agent.core.chat import JsonObject

_ARGUMENT: Final = re.compile(r"^(\w+)(?:\s*\([^)]*\))?:\s*(.*)$")
_PREFIX: Final = "Value error, "
_SECTION: Final = re.compile(
    r"^(Args|Arguments|Returns|Raises|Yields|Example|Examples):\s*$", re.MULTILINE
)


class Parameters:
    """The parameters a model fills in: the positional ones of the function."""

    def __init__(self, model: type[BaseModel]) -> None:
        """`model` has one field per parameter."""
        self._model = model

    def json_schema(self) -> JsonObject:
        """A JSON schema object without references, as every provider accepts it."""
        schema = self._model.model_json_schema()
        definitions = schema.pop("$defs", {})
        tidied: JsonObject = _tidy({"properties": {}, **schema}, definitions)
        return tidied

    def validate(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Check and coerce what the model sent.

        Raises:
            ArgumentsRefused: something is missing, unknown or of the wrong kind.
        """
        try:
            checked = self._model.model_validate(dict(arguments))
        except ValidationError as error:
            raise ArgumentsRefused(_sentence(error)) from error
        return {name: getattr(checked, name) for name in self._model.model_fields}

    def canonical(self, values: Mapping[str, Any]) -> JsonObject:
        """Checked values as JSON: equal for arguments that mean the same."""
        return self._model.model_construct(**values).model_dump(mode="json")


class ArgumentsRefused(ValueError):
    """The arguments do not fit; the text tells the model how to mend them."""


def parameters_of(function: Callable[..., object]) -> Parameters:
    """Read the positional parameters of `function`; keyword-only ones are services."""
    hints = get_type_hints(function, include_extras=True)
    told = argument_descriptions(function)
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
            continue
        if parameter.name not in told or parameter.name not in hints:
            raise TypeError(f"{function.__name__}: {parameter.name} needs a type and a description")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (
            hints[parameter.name],
            Field(default, description=told[parameter.name]),
        )
    config = ConfigDict(extra="forbid", str_strip_whitespace=True, validate_default=False)
    return Parameters(create_model(function.__name__, __config__=config, **fields))


def services_of(function: Callable[..., object]) -> tuple[str, ...]:
    """The names of the keyword-only parameters: what the runner passes in."""
    return tuple(
        parameter.name
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    )


def description_of(function: Callable[..., object]) -> str:
    """The docstring up to its first section, as one paragraph."""
    text = _SECTION.split(inspect.getdoc(function) or "")[0]
    return " ".join(text.split())


def argument_descriptions(function: Callable[..., object]) -> dict[str, str]:
    """What the docstring's `Args:` says of each parameter."""
    parts = _SECTION.split(inspect.getdoc(function) or "")
    sections = dict(zip(parts[1::2], parts[2::2], strict=True))
    found: dict[str, str] = {}
    name = ""
    for line in textwrap.dedent(sections.get("Args", "").strip("\n")).splitlines():
        match = _ARGUMENT.match(line)
        if match:
            name, found[match[1]] = match[1], match[2].strip()
        elif name and line.strip():
            found[name] = f"{found[name]} {line.strip()}".strip()
    return found


def _tidy(node: Any, definitions: Mapping[str, Any]) -> Any:
    """Put definitions in place of references; leave out titles and the choice of null."""
    if isinstance(node, list):
        return [_tidy(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = str(node["$ref"]).rsplit("/", 1)[-1]
        return _tidy(_merged(definitions[name], node, "$ref"), definitions)
    kinds = [kind for kind in node.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) == 1:
        return _tidy(_merged(kinds[0], node, "anyOf"), definitions)
    return {
        key: _tidy_entry(key, value, definitions)
        for key, value in node.items()
        if not _needless(key, value)
    }


def _tidy_entry(key: str, value: Any, definitions: Mapping[str, Any]) -> Any:
    if key == "properties":
        return {name: _tidy(item, definitions) for name, item in value.items()}
    return _tidy(value, definitions)


def _needless(key: str, value: Any) -> bool:
    return (key == "title" and isinstance(value, str)) or (key == "default" and value is None)


def _merged(inner: Mapping[str, Any], outer: Mapping[str, Any], without: str) -> dict[str, Any]:
    return {**inner, **{key: value for key, value in outer.items() if key != without}}


def _sentence(error: ValidationError) -> str:
    """What is wrong with each argument, without repeating what was sent."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    told = [
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg'].removeprefix(_PREFIX)}"
        for fault in faults
    ]
    return "; ".join(told)
