"""Deepgram as seen from outside."""

from voice_agent.simulation.providers.deepgram.endpoint import routes
from voice_agent.simulation.providers.desk import VALID_KEY, Simulator

SIMULATOR = Simulator(
    name="deepgram",
    summary="Live transcription with Nova and Flux, auth check.",
    routes=routes,
    variables={"DEEPGRAM_BASE_URL": "{base}", "DEEPGRAM_API_KEY": VALID_KEY},
)
