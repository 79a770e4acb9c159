"""Google's Gemini API as seen from outside."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from voice_agent.simulation.providers.desk import VALID_KEY, Desk, Simulator
from voice_agent.simulation.providers.gemini import generate, models


def _routes(desk: Desk) -> Sequence[BaseRoute]:
    """One line per part of the vendor's API."""
    return [
        *generate.routes(desk),
        *models.routes(desk),
    ]


SIMULATOR = Simulator(
    name="gemini",
    summary="generateContent, streamed or whole, token counts and the list of models.",
    routes=_routes,
    variables={"llm.gemini.base_url": "{base}", "llm.gemini.api_key": VALID_KEY},
)
