"""Finds the built-in tools: every file in `builtin/` is one."""

from collections.abc import Iterable
from importlib import import_module
from pkgutil import iter_modules

from voice_agent.core.errors import ConfigurationError
from voice_agent.tools import builtin
from voice_agent.tools.base import Tool


def builtin_tools() -> tuple[Tool, ...]:
    """The `TOOL` of every file in `builtin/`, by name."""
    names = sorted(module.name for module in iter_modules(builtin.__path__))
    return unique(_tool(f"{builtin.__name__}.{name}") for name in names)


def unique(tools: Iterable[Tool]) -> tuple[Tool, ...]:
    """The same tools.

    Raises:
        ConfigurationError: two of them have one name.
    """
    found: dict[str, Tool] = {}
    for tool in tools:
        if tool.name in found:
            raise ConfigurationError(f"There are two tools called {tool.name}; rename one.")
        found[tool.name] = tool
    return tuple(found.values())


def _tool(module: str) -> Tool:
    tool = getattr(import_module(module), "TOOL", None)
    if not isinstance(tool, Tool):
        raise ConfigurationError(f"{module} has no TOOL; end the file with TOOL = Tool.of(…).")
    return tool
