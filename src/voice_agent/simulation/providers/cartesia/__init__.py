"""Cartesia: text to speech over a WebSocket, and in one piece or as events over HTTP."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from voice_agent.simulation.providers.cartesia.catalogue import catalogue_routes
from voice_agent.simulation.providers.cartesia.rules import NAME, Studio
from voice_agent.simulation.providers.cartesia.socket import socket_route
from voice_agent.simulation.providers.cartesia.speech import speech_routes
from voice_agent.simulation.providers.desk import VALID_KEY, Desk, Simulator


def _routes(desk: Desk) -> Sequence[BaseRoute]:
    studio = Studio()
    return [
        socket_route(desk, studio),
        *speech_routes(desk, studio),
        *catalogue_routes(desk, studio),
    ]


SIMULATOR = Simulator(
    name=NAME,
    summary="Text to speech over one WebSocket with many contexts, and over HTTP",
    routes=_routes,
    variables={"tts.cartesia.base_url": "{base}", "tts.cartesia.api_key": VALID_KEY},
)
