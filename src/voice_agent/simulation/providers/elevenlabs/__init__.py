"""ElevenLabs: text to speech over HTTP and two kinds of WebSocket."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from voice_agent.simulation.providers.desk import VALID_KEY, Desk, Simulator
from voice_agent.simulation.providers.elevenlabs.catalogue import catalogue_routes
from voice_agent.simulation.providers.elevenlabs.http import speech_routes
from voice_agent.simulation.providers.elevenlabs.rules import NAME, Studio
from voice_agent.simulation.providers.elevenlabs.sockets import socket_routes


def _routes(desk: Desk) -> Sequence[BaseRoute]:
    studio = Studio()
    return [
        *socket_routes(desk, studio),
        *speech_routes(desk, studio),
        *catalogue_routes(desk, studio),
    ]


SIMULATOR = Simulator(
    name=NAME,
    summary="Text to speech over HTTP, stream-input and multi-stream-input",
    routes=_routes,
    variables={"tts.elevenlabs.base_url": "{base}", "tts.elevenlabs.api_key": VALID_KEY},
)
