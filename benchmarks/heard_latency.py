"""`python -m benchmarks.heard_latency`: what we add to providers whose delays are known.

The simulated recogniser tells the end of the turn 250 ms after the caller's last voiced sound,
the simulated model's first token takes 300 ms, the simulated voice's first sound 90 ms. Added is
the time from the recogniser's word leaving its simulator to the first sound arriving at the
phone, less the other two delays: the recogniser's own error in finding the end is not in it.
"""

import argparse
import json
import math
import statistics
import tempfile
from pathlib import Path

import anyio
import anyio.to_thread

from benchmarks.failure_matrix import TOKEN, free_port
from benchmarks.overhead import Wire
from benchmarks.server import running_server
from voice_agent.core.audio import PHONE
from voice_agent.engines.llm.scripted import ScriptedModel, says
from voice_agent.engines.stt.scripted import ScriptedRecognizer, ScriptedRecognizerOptions
from voice_agent.engines.tts.scripted import ScriptedSpeechOptions, ScriptedSynthesizer, tone
from voice_agent.simulation.caller import CallerScript, Manners, Step, Utter
from voice_agent.simulation.handset import Recording
from voice_agent.simulation.phone import Subscriber, TwilioPhone, new_client
from voice_agent.simulation.providers.desk import VALID_KEY, Desk, Timing
from voice_agent.simulation.providers.running import serving

HEAR, THINK, SPEAK = 0.25, 0.3, 0.09
DELAYS_MS = 1000 * (HEAR + THINK + SPEAK)
UTTERANCE_S = 1.2
PREPARED_AFTER = 6.0
"""After the start the voice makes the agent's own sentences; that is not what is measured (s)."""


def engine_options(base: str, recogniser: str) -> dict[str, dict[str, str]]:
    """All hosted engines pointed to the simulators."""
    return {
        "stt.deepgram": {
            "base_url": f"{base}/deepgram",
            "api_key": VALID_KEY,
            "model": recogniser,
        },
        "llm.openai": {"base_url": f"{base}/openai/v1", "api_key": VALID_KEY},
        "tts.elevenlabs": {"base_url": f"{base}/elevenlabs", "api_key": VALID_KEY},
    }


def settings(base: str, recogniser: str, vad: str) -> dict[str, str]:
    """The server's settings, as variables."""
    return {
        "stt": "deepgram",
        "llm": "openai",
        "tts": "elevenlabs",
        "vad": vad,
        "patience_ms": str(round(1000 * HEAR)),
        "engine_options": json.dumps(engine_options(base, recogniser)),
        "twilio_auth_token": TOKEN,
        "greeting": "Hello.",
    }


def desk() -> Desk:
    """Engines that take no time behind providers that take a known time."""
    return Desk(
        # Numbers, so that no sentence is so impersonal that the voice remembers it.
        ScriptedModel(
            *(says(f"Order {n} is on its way. ", "It will arrive on Friday.") for n in range(500))
        ),
        ScriptedRecognizer(ScriptedRecognizerOptions(texts=("where is my order",) * 100)),
        ScriptedSynthesizer(ScriptedSpeechOptions(word_ms=150)),
        timings={
            "deepgram": Timing(first=HEAR),
            "openai": Timing(first=THINK),
            "elevenlabs": Timing(first=SPEAK),
        },
    )


async def one_call(url: str, turns: int) -> tuple[Recording, Wire]:
    """Ask so many times."""
    wire = Wire()
    utterance = tone(PHONE.byte_count(UTTERANCE_S), PHONE)
    steps: list[Step] = [Utter(utterance, "where is my order")] * turns
    caller = CallerScript(steps, PHONE, Manners(patience=0.4, longest=600.0))
    async with new_client(url) as client:
        result = await TwilioPhone(url, Subscriber(TOKEN), client).call(caller, wire.watch)
    return result.recording, wire


def added(simulated: Desk, wire: Wire, asked: int) -> list[float]:
    """For each turn: from the recogniser's word to the first sound, less the known delays (ms)."""
    ends = [at for provider, at in simulated.moments if provider == "deepgram"]
    thought = [at for provider, at in simulated.moments if provider == "openai"]
    found = []
    for thinking in thought:
        end = max(at for at in ends if at < thinking)
        sound = min((at for at in wire.sound if at > thinking), default=None)
        if sound is not None:
            found.append(1000 * (sound - end - THINK - SPEAK))
    return found[-asked:]


async def measure(turns: int, recogniser: str, vad: str) -> list[float]:
    """What was added to the providers' delays in each turn (ms)."""
    simulated = desk()
    async with serving(simulated) as base:
        port = free_port()
        with tempfile.TemporaryDirectory() as folder:
            server = running_server(port, Path(folder), **settings(base, recogniser, vad))
            await anyio.to_thread.run_sync(server.__enter__)
            await anyio.sleep(PREPARED_AFTER)
            try:
                _, wire = await one_call(f"http://127.0.0.1:{port}", turns)
            finally:
                await anyio.to_thread.run_sync(server.__exit__, None, None, None)
    return added(simulated, wire, turns)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.heard_latency", description=__doc__)
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--recogniser", default="flux-general-en")
    parser.add_argument("--vad", default="energy")
    arguments = parser.parse_args()
    times = sorted(anyio.run(measure, arguments.turns, arguments.recogniser, arguments.vad))
    p95 = times[math.ceil(0.95 * len(times)) - 1]
    print(f"{len(times)} turns over {DELAYS_MS:.0f} ms of delays: added ms")
    print(f"median {statistics.median(times):.1f}  p95 {p95:.1f}  max {times[-1]:.1f}")
    print([round(ms, 1) for ms in times])


if __name__ == "__main__":
    main()
