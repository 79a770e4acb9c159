"""OpenAI as seen from outside."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from voice_agent.simulation.providers.desk import VALID_KEY, Desk, Simulator
from voice_agent.simulation.providers.openai import chat, models, realtime


def _routes(desk: Desk) -> Sequence[BaseRoute]:
    """One line per part of the vendor's API."""
    return [
        *chat.routes(desk),
        *models.routes(desk),
        *realtime.routes(desk),
    ]


SIMULATOR = Simulator(
    name="openai",
    summary="Chat Completions, the list of models, Realtime.",
    routes=_routes,
    variables={
        "llm.openai.base_url": "{base}/v1",
        "llm.openai.api_key": VALID_KEY,
        "realtime.openai.base_url": "{base}/v1",
        "realtime.openai.api_key": VALID_KEY,
    },
)
