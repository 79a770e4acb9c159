"""The settings that point the product at the simulated providers, for copy and paste."""

import json
from collections.abc import Iterator, Mapping
from shlex import quote
from typing import Final

from voice_agent.engines.registry import Kind, providers
from voice_agent.simulation.providers.desk import VALID_KEY, Simulator

ENGINE_OPTIONS: Final = "VOICE_AGENT_ENGINE_OPTIONS"
_BASE: Final = "{base}"
_ENGINE_OPTION_PARTS: Final = 3


def environment(simulators: Mapping[str, Simulator], url: str) -> dict[str, str]:
    """Environment variables by name; `url` is where the simulators are served.

    All engine options go into one variable.
    """
    options: dict[str, dict[str, str]] = {}
    variables: dict[str, str] = {}
    for name, simulator in simulators.items():
        for key, value in _settings(simulator):
            text = value.replace(_BASE, f"{url}/{name}")
            parts = key.split(".")
            if len(parts) == _ENGINE_OPTION_PARTS:
                options.setdefault(".".join(parts[:2]), {})[parts[2]] = text
            else:
                variables[key] = text
    return {ENGINE_OPTIONS: json.dumps(options), **variables} if options else variables


def export_lines(variables: Mapping[str, str]) -> list[str]:
    """The same for a shell."""
    return [f"export {name}={quote(value)}" for name, value in variables.items()]


def _settings(simulator: Simulator) -> Iterator[tuple[str, str]]:
    """What the simulator says; engines of its name that it does not mention get its address."""
    yield from simulator.variables.items()
    for kind in Kind:
        provider = providers(kind).get(simulator.name)
        place = f"{kind}.{simulator.name}"
        if provider and not any(key.startswith(f"{place}.") for key in simulator.variables):
            yield f"{place}.base_url", _BASE
            yield f"{place}.api_key", VALID_KEY
