"""Deepgram as seen from outside."""

from voice_agent.simulation.providers.deepgram.endpoint import routes
from voice_agent.simulation.providers.desk import VALID_KEY, Simulator

SIMULATOR = Simulator(
    name="deepgram",
    summary="Live transcription with Nova and Flux, auth check.",
    routes=routes,
    variables={"stt.deepgram.base_url": "{base}", "stt.deepgram.api_key": VALID_KEY},
)
