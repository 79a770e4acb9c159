"""Models that their vendors will shut down: no vendor says so in its answers."""

import re
import tomllib
from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache
from importlib import resources
from typing import Final

SOON: Final = timedelta(days=90)
"""How long before its end a model is warned of."""

_VERSION: Final = re.compile(r"-(?:\d{4}-?\d{2}-?\d{2}|latest|preview.*)$")


@cache
def _retirements() -> Mapping[str, date]:
    file = resources.files("voice_agent.engines").joinpath("retirements.toml")
    models: dict[str, date] = tomllib.loads(file.read_text("utf-8"))["models"]
    return models


def retirement(model: str) -> date | None:
    """The day on which a model is shut down, None where none is known."""
    return _retirements().get(model) or _retirements().get(_VERSION.sub("", model))


def retirement_warning(model: str, today: date) -> str:
    """A sentence when a model is gone or will soon be; else nothing."""
    day = retirement(model)
    if day is None or day - today > SOON:
        return ""
    when = "was" if day <= today else "will be"
    return f"{model} {when} shut down on {day:%Y-%m-%d}: choose another model."
