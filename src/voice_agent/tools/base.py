"""A tool: an async function the model may call, with what must be known to run it safely."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from voice_agent.compliance.permits import ToolPermit
from voice_agent.core.chat import JsonObject, ToolAccess, ToolDeclaration, ToolEffect
from voice_agent.core.errors import PermissionDeniedError
from voice_agent.tools.schema import Parameters, description_of, parameters_of, services_of

DEFAULT_TIMEOUT: Final = 8.0
"""Seconds a tool may take; a caller on the line does not wait longer."""


Access = ToolAccess
"""What a tool does to the world, under its short name for tools' files."""


@dataclass(frozen=True, slots=True)
class ToolOutcome:
    """What a tool returns when something must happen to the call afterwards."""

    content: JsonObject
    effect: ToolEffect


ToolFunction = Callable[..., Awaitable[JsonObject | ToolOutcome]]
"""Positional parameters come from the model, keyword-only ones from `Business`."""


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool; `timeout` in seconds."""

    name: str
    description: str
    access: Access
    parameters: Parameters
    function: ToolFunction
    timeout: float = DEFAULT_TIMEOUT
    services: tuple[str, ...] = field(default=())

    @classmethod
    def of(
        cls, function: ToolFunction, access: Access, *, timeout: float = DEFAULT_TIMEOUT
    ) -> "Tool":
        """Make a tool of an async function; its name, docstring and types are the model's view.

        Raises:
            TypeError: the function lacks a docstring, a type or a description of a parameter.
        """
        name = getattr(function, "__name__", "")
        description = description_of(function)
        if not name or not description:
            raise TypeError(f"{name or function!r} needs a name and a docstring")
        return cls(
            name=name,
            description=description,
            access=access,
            parameters=parameters_of(function),
            function=function,
            timeout=timeout,
            services=services_of(function),
        )

    @property
    def declaration(self) -> ToolDeclaration:
        """The tool as a model sees it."""
        schema = self.parameters.json_schema()
        return ToolDeclaration(self.name, self.description, schema, self.access)

    async def run(
        self, values: Mapping[str, Any], services: Mapping[str, object], permit: ToolPermit
    ) -> ToolOutcome:
        """Run the function with checked values.

        Raises:
            PermissionDeniedError: the permit is for something else.
            ToolError: the tool refuses.
        """
        if permit.tool != self.name:
            raise PermissionDeniedError(f"This permit is not for {self.name}.")
        outcome = await self.function(*values.values(), **services)
        if isinstance(outcome, ToolOutcome):
            return outcome
        return ToolOutcome(outcome, ToolEffect.NONE)
