"""What the product itself adds to a turn, with engines that take no time.

Every simulated phone speaks a recorded utterance in real time. The same detector and gate, run
beforehand over the same sound, tell which 20 ms frame of it ends the turn. Overhead is the time
from that frame leaving the phone to the first sound of the answer arriving there: everything
but the engines is in it, the socket and the phone's own lateness too.
"""

import json
import math
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

import anyio

from benchmarks.server import cpu_seconds, resident_mib, running_server
from voice_agent.core.audio import PHONE, AudioFrame
from voice_agent.core.speech import SpeechStopped, VoiceActivity
from voice_agent.engines.registry import Kind
from voice_agent.engines.selection import choose_engine
from voice_agent.pipeline.voice_gate import VoiceGate
from voice_agent.simulation.analysis import analyse, utterances_in
from voice_agent.simulation.caller import CallerScript, Manners, Step, Utter
from voice_agent.simulation.handset import Handset, Message, Tick
from voice_agent.simulation.phone import PhoneResult, Subscriber, TwilioPhone, new_client
from voice_agent.simulation.voices import open_synthesizer, speak

PORT = 8790
FRAME = 0.02
UTTERANCES = 4
ANSWER = "Your order is on its way. It will be with you on Friday before noon, as you asked."
TOKEN = "benchmark"  # noqa: S105 - both sides are ours


@dataclass
class Wire:
    """When frames left the phone and when sound arrived, seconds."""

    sent: list[float] = field(default_factory=list)
    sound: list[float] = field(default_factory=list)

    def watch(self, handset: Handset) -> None:
        """Note the times beside the handset's own work."""
        receive, messages = handset.receive, handset.messages

        def receiving(message: Message) -> list[Message]:
            if isinstance(message, str) and '"media"' in message[:40]:
                self.sound.append(time.perf_counter())
            return receive(message)

        def sending(tick: Tick) -> list[Message]:
            self.sent.append(time.perf_counter())
            return messages(tick)

        handset.receive = receiving  # type: ignore[method-assign]
        handset.messages = sending  # type: ignore[method-assign]


@dataclass(frozen=True, slots=True)
class Figures:
    """One load's figures; times in ms, processor in percent of one core per call."""

    vad: str
    calls: int
    turns: int
    overhead_p50: float
    overhead_p95: float
    overhead_max: float
    gaps: int
    gaps_ms: float
    core_percent_per_call: float
    resident_mib: float
    phone_late_p95: float


async def deciding_frame(vad: str, utterance: bytes) -> int:
    """Index of the frame, from the utterance's first, that makes the gate say it stopped."""
    gate, decided = VoiceGate(), list[float]()

    def heard(activity: VoiceActivity) -> None:
        if isinstance(gate.process(activity), SpeechStopped):
            decided.append(activity.end)

    size = PHONE.byte_count(FRAME)
    lead_in = PHONE.silence(3.0)
    sound = lead_in + utterance + PHONE.silence(2.0)
    async with AsyncExitStack() as stack:
        chosen = await choose_engine(Kind.VAD, (vad,), lambda _: {}, stack)
        stream = chosen.engine.open(PHONE, heard)
        for index in range(len(sound) // size):
            stream.push(AudioFrame(sound[index * size : (index + 1) * size], PHONE, index * FRAME))
            await anyio.sleep(0.001)
        await anyio.sleep(0.5)
    if not decided:
        raise SystemExit("the detector hears nothing in the utterance")
    # The last pause ends the turn; the frame that completes its window decides.
    return math.ceil(round(decided[-1] / FRAME, 6)) - 1 - len(lead_in) // size


def overheads(wire: Wire, result: PhoneResult, deciding: int) -> list[float]:
    """Seconds from each deciding frame to the first sound after it."""
    found = []
    size = PHONE.byte_count(FRAME)
    for utterance in utterances_in(result.recording):
        start = round(utterance.start * PHONE.rate) // size
        decided = wire.sent[min(start + deciding, len(wire.sent) - 1)]
        after = [at for at in wire.sound if at > decided]
        if after:
            found.append(after[0] - decided)
    return found


async def _one_call(
    url: str, steps: list[Step], delay: float, client: object
) -> tuple[Wire, PhoneResult]:
    await anyio.sleep(delay)
    wire = Wire()
    caller = CallerScript(steps, PHONE, Manners(patience=0.5, farewell=0.7))
    phone = TwilioPhone(url, Subscriber(TOKEN), client)  # type: ignore[arg-type]
    result = await phone.call(caller, wire.watch)
    return wire, result


async def measure(calls: int, pid: int, utterance: bytes, deciding: int, vad: str) -> Figures:
    """Hold so many calls at once and measure each of their turns."""
    url, done = f"http://127.0.0.1:{PORT}", list[tuple[Wire, PhoneResult]]()
    steps: list[Step] = [Utter(utterance, "where is my order")] * UTTERANCES

    async def one(number: int, client: object) -> None:
        done.append(await _one_call(url, steps, number * 0.13, client))

    cpu = cpu_seconds(pid)
    async with new_client(url) as client, anyio.create_task_group() as tasks:
        for number in range(calls):
            tasks.start_soon(one, number, client)
    spent = cpu_seconds(pid) - cpu
    talk = sum(len(result.recording.caller) * FRAME for _, result in done)
    times = sorted(1000 * s for wire, result in done for s in overheads(wire, result, deciding))
    gaps = [
        ms
        for _, result in done
        for ms in analyse(result.recording, utterances_in(result.recording)).gaps_ms
    ]
    late = [
        b - a - FRAME for wire, _ in done for a, b in zip(wire.sent, wire.sent[1:], strict=False)
    ]
    return Figures(
        vad=vad,
        calls=calls,
        turns=len(times),
        overhead_p50=round(statistics.median(times), 1),
        overhead_p95=round(times[int(0.95 * (len(times) - 1))], 1),
        overhead_max=round(times[-1], 1),
        gaps=len(gaps),
        gaps_ms=round(sum(gaps), 1),
        core_percent_per_call=round(100 * spent / talk, 2),
        resident_mib=round(resident_mib(pid), 1),
        phone_late_p95=round(1000 * sorted(late)[int(0.95 * (len(late) - 1))], 2),
    )


async def _utterance() -> bytes:
    async with open_synthesizer() as synthesizer:
        sound = await speak(synthesizer, "where is my order ten forty two", PHONE, "")
    size = PHONE.byte_count(FRAME)
    return sound + PHONE.silence(1.0)[: -len(sound) % size]


def run(vad: str, loads: tuple[int, ...] = (1, 20)) -> list[Figures]:
    """Measure each load on one server with scripted engines and this detector."""
    utterance = anyio.run(_utterance)
    deciding = anyio.run(deciding_frame, vad, utterance)
    options = {
        "stt.scripted": {"texts": ["where is my order"] * 100},
        "llm.scripted": {"answers": [ANSWER]},
        "tts.scripted": {"word_ms": 220},
    }
    settings = {
        "vad": vad,
        "stt": "scripted",
        "llm": "scripted",
        "tts": "scripted",
        "engine_options": json.dumps(options),
        "patience_ms": "0",
        "twilio_auth_token": TOKEN,
    }
    with (
        tempfile.TemporaryDirectory() as folder,
        running_server(PORT, Path(folder), **settings) as pid,
    ):
        anyio.run(measure, 1, pid, utterance, deciding, vad)
        return [anyio.run(measure, calls, pid, utterance, deciding, vad) for calls in loads]


def as_rows(figures: list[Figures]) -> list[dict[str, object]]:
    """For JSON and tables."""
    return [asdict(figure) for figure in figures]
