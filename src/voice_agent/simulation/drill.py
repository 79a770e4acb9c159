"""A call while a provider misbehaves: what to order, and what the caller's ear says about it."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from voice_agent.simulation.call_job import CallOutcome
from voice_agent.simulation.providers.desk import VALID_KEY
from voice_agent.simulation.providers.faults import Fault, FaultKind
from voice_agent.simulation.report import CallReport

LONGEST_SILENCE_MS: Final = 1500.0
"""What a caller puts up with."""
QUESTION: Final = "where is my order ten forty two"
TASK: Final = "check_order_status"

_SENTENCE: Final = re.compile(r"[^.!?]+[.!?]")


@dataclass(frozen=True, slots=True)
class Patient:
    """A provider that can be made to fail: its simulator, its place, how far in a fault strikes.

    `options` hold `{base}` for the simulators' address; `after` counts the events that pass
    before a fault in mid-stream.
    """

    name: str
    simulator: str
    role: str
    engine: str
    options: Mapping[str, Any]
    after: int

    def options_at(self, base: str) -> dict[str, Any]:
        """The engine's options with the address filled in."""
        filled = {
            name: value.format(base=base) if isinstance(value, str) else value
            for name, value in self.options.items()
        }
        return {"api_key": VALID_KEY, **filled}


PATIENTS: Final = (
    Patient("deepgram nova", "deepgram", "stt", "deepgram", {"base_url": "{base}/deepgram"}, 1),
    Patient(
        "deepgram flux",
        "deepgram",
        "stt",
        "deepgram",
        {"base_url": "{base}/deepgram", "model": "flux-general-en"},
        13,
    ),
    Patient("openai", "openai", "llm", "openai", {"base_url": "{base}/openai/v1"}, 6),
    Patient("anthropic", "anthropic", "llm", "anthropic", {"base_url": "{base}/anthropic"}, 6),
    Patient("gemini", "gemini", "llm", "gemini", {"base_url": "{base}/gemini"}, 3),
    Patient("elevenlabs", "elevenlabs", "tts", "elevenlabs", {"base_url": "{base}/elevenlabs"}, 1),
    Patient("cartesia", "cartesia", "tts", "cartesia", {"base_url": "{base}/cartesia"}, 1),
    Patient(
        "openai realtime",
        "openai_realtime",
        "realtime",
        "openai",
        {"base_url": "{base}/openai/v1"},
        12,
    ),
)
"""Every hosted engine in the role in which a call uses it."""

EMBEDDED: Final[Mapping[str, Sequence[str]]] = {
    "stt": ("pocketsphinx",),
    "llm": ("builtin",),
    "tts": ("flite", "espeak"),
    "realtime": (),
}

REFUSED: Final = "refused connection"
AILMENTS: Final[Mapping[str, FaultKind | None]] = {
    REFUSED: None,
    "401": FaultKind.UNAUTHORIZED,
    "429": FaultKind.THROTTLE,
    "500": FaultKind.ERROR,
    "stall": FaultKind.STALL,
    "reset in mid-stream": FaultKind.RESET,
    "clean end without its terminal event": FaultKind.CUT,
    "garbage": FaultKind.GARBAGE,
}
"""What can happen to a provider; nothing listens where the connection is refused."""
_IN_MID_STREAM: Final = (FaultKind.STALL, FaultKind.RESET, FaultKind.CUT, FaultKind.GARBAGE)


def fault_of(patient: Patient, ailment: str) -> Fault | None:
    """The order for the simulators, None where nothing must listen."""
    kind = AILMENTS[ailment]
    if kind is None:
        return None
    after = patient.after if kind in _IN_MID_STREAM else 0
    return Fault(provider=patient.simulator, kind=kind, after=after)


def settings_for(patient: Patient, base: str) -> dict[str, Any]:
    """The server's settings: this provider first in its role, embedded engines for the rest."""
    engines = {role: list(names) for role, names in EMBEDDED.items()}
    engines[patient.role] = [patient.engine, *engines[patient.role]]
    options = {f"{patient.role}.{patient.engine}": patient.options_at(base)}
    return {**engines, "engine_options": options}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the caller got; `lost` and `repeated` are words and sentences."""

    completed: bool
    longest_silence_ms: float
    heard: str
    repeated: tuple[str, ...]
    switched: tuple[str, ...]

    def faults(self, said: str = QUESTION) -> list[str]:
        """Why this is not good enough; `said` is what was understood on a good day."""
        problems = [] if self.completed else ["the task was not completed"]
        if self.longest_silence_ms > LONGEST_SILENCE_MS:
            problems.append(f"{self.longest_silence_ms:.0f} ms of silence")
        if _plain(self.heard) != _plain(said):
            problems.append(f"the caller was understood as {self.heard!r}")
        problems += [f"said twice: {sentence!r}" for sentence in self.repeated]
        return problems


def judge(outcome: CallOutcome, events: Sequence[Mapping[str, Any]]) -> Verdict:
    """Look at a finished call and its stored events."""
    report = outcome.report
    return Verdict(
        completed=_completed(report),
        longest_silence_ms=report.heard.longest_silence_ms,
        heard=" ".join(turn.caller for turn in report.turns if turn.caller),
        repeated=_repeated(report),
        switched=tuple(
            f"{event['data']['failed']} → {event['data']['successor']}"
            for event in events
            if event["kind"] == "EngineSwitched"
        ),
    )


def _plain(text: str) -> list[str]:
    """The words, however they are written."""
    return re.sub(r"[^\w\s]+", "", text).casefold().split()


def _completed(report: CallReport) -> bool:
    """The order was looked up, and its state was heard."""
    return any(
        any(tool.name == TASK and tool.ok for tool in turn.tools) and "1042" in turn.agent
        for turn in report.turns
    )


def _repeated(report: CallReport) -> tuple[str, ...]:
    said = Counter(
        sentence.strip() for turn in report.turns for sentence in _SENTENCE.findall(turn.agent)
    )
    return tuple(sentence for sentence, count in said.items() if count > 1)
