"""The simulated providers on a loopback port, in the test's own event loop."""

import contextlib
import socket
from collections.abc import AsyncIterator

import anyio

from support.live_server import QuietServer
from voice_agent.core.ports import LanguageModel, SpeechRecognizer, SpeechSynthesizer
from voice_agent.engines.llm.scripted import ScriptedModel, says
from voice_agent.engines.stt.scripted import ScriptedRecognizer, ScriptedRecognizerOptions
from voice_agent.engines.tts.scripted import ScriptedSpeechOptions, ScriptedSynthesizer
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.server import provider_app, server_config


def desk(
    model: LanguageModel | None = None,
    recognizer: SpeechRecognizer | None = None,
    synthesizer: SpeechSynthesizer | None = None,
) -> Desk:
    """Scripted engines where a test brings none of its own."""
    return Desk(
        model or ScriptedModel(says("Hello ", "from the other side.")),
        recognizer or ScriptedRecognizer(ScriptedRecognizerOptions(texts=("hello there",))),
        synthesizer or ScriptedSynthesizer(ScriptedSpeechOptions()),
    )


@contextlib.asynccontextmanager
async def serving(simulated: Desk) -> AsyncIterator[str]:
    """Serve them; gives `http://host:port`, below which each has its name as a path."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = QuietServer(server_config(provider_app(simulated)))
        async with anyio.create_task_group() as group:
            group.start_soon(server.serve, [listening])
            await server.ready.wait()
            try:
                yield "http://{}:{}".format(*listening.getsockname())
            finally:
                server.should_exit = True
