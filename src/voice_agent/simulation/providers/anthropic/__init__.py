"""Anthropic as seen from outside."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from voice_agent.simulation.providers.anthropic import messages, models
from voice_agent.simulation.providers.desk import VALID_KEY, Desk, Simulator


def _routes(desk: Desk) -> Sequence[BaseRoute]:
    """One line per part of the vendor's API."""
    return [
        *messages.routes(desk),
        *models.routes(desk),
    ]


SIMULATOR = Simulator(
    name="anthropic",
    summary="Messages, token counts and the list of models.",
    routes=_routes,
    variables={"llm.anthropic.base_url": "{base}", "llm.anthropic.api_key": VALID_KEY},
)
