"""Finding the department a caller means."""

import re
from collections.abc import Sequence
from typing import Final, Protocol

from voice_agent.core.errors import ToolError
from voice_agent.storage.records import Department
from voice_agent.tools.speakable import say_list

_FILLER: Final = re.compile(r"\b(the|a|an|your|our|department|dept|team|desk|line|office)\b")


class Departments(Protocol):
    """The business's departments."""

    async def all(self) -> Sequence[Department]:
        """Every department."""
        ...


def choose_department(departments: Sequence[Department], wanted: str | None) -> Department:
    """The department called `wanted` by name, title or alias; the default one for no name.

    Raises:
        ToolError: there is no such department; the message names those there are.
    """
    if not departments:
        raise ToolError("No departments are set up.", reason="no_departments")
    key = _key(wanted or "")
    if not key:
        return next((found for found in departments if found.default), departments[0])
    for department in departments:
        if key in {_key(name) for name in _names(department)}:
            return department
    known = say_list([department.title for department in departments])
    raise ToolError(
        f"There is no department of that name. The departments are {known}.",
        reason="unknown_department",
    )


def _names(department: Department) -> tuple[str, ...]:
    return department.name, department.title, *department.aliases


def _key(text: str) -> str:
    words = re.sub(r"[^\w\s]", " ", text.casefold())
    return " ".join(_FILLER.sub(" ", words).split()) or " ".join(words.split())
