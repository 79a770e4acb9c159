"""One call as a report: what was said and heard, how long everybody waited.

The words, tools and stages come from the server's call record (the transcript as heard is
kept there); the latencies, gaps and silences from the phone's own recording.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from voice_agent.simulation.analysis import CallHeard, UtteranceHeard

JsonObject = Mapping[str, Any]


@dataclass(slots=True)
class ToolUse:
    """One tool the agent used."""

    name: str
    arguments: JsonObject
    ok: bool = False


@dataclass(slots=True)
class TurnReport:
    """One turn; the greeting is the one without a caller.

    `said` is what the script said, where known; `caller` what the agent understood.
    """

    caller: str = ""
    agent: str = ""
    interrupted: bool = False
    latency_ms: float | None = None
    stages_ms: dict[str, float] = field(default_factory=dict)
    tools: list[ToolUse] = field(default_factory=list)
    said: str = ""
    barge_in_stop_ms: float | None = None
    at: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready object."""
        return {
            "caller": self.caller,
            "agent": self.agent,
            "interrupted": self.interrupted,
            "latency_ms": _rounded(self.latency_ms),
            "stages_ms": {name: round(ms, 1) for name, ms in self.stages_ms.items()},
            "tools": [
                {"name": t.name, "arguments": dict(t.arguments), "ok": t.ok} for t in self.tools
            ],
            "said": self.said,
            "barge_in_stop_ms": _rounded(self.barge_in_stop_ms),
        }


@dataclass(slots=True)
class CallReport:
    """The whole call."""

    call_sid: str
    disposition: str
    turns: list[TurnReport]
    heard: CallHeard
    warnings: list[str] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """A JSON-ready object."""
        stops = [t.barge_in_stop_ms for t in self.turns if t.barge_in_stop_ms is not None]
        return {
            "call_sid": self.call_sid,
            "disposition": self.disposition,
            "turns": [turn.as_dict() for turn in self.turns],
            "longest_silence_ms": _rounded(self.heard.longest_silence_ms),
            "gaps_ms": [_rounded(gap) for gap in self.heard.gaps_ms],
            "greeting_ms": _rounded(self.heard.greeting_ms),
            "barge_in_stop_ms": [_rounded(stop) for stop in stops],
            "overlap_ms": _rounded(self.heard.overlap_ms),
            "duration_s": round(self.heard.duration, 2),
            "warnings": self.warnings,
            **self.extra,
        }


def recorded_turns(record: JsonObject) -> list[TurnReport]:
    """The turns in a call record, in order."""
    turns: dict[int, TurnReport] = {}
    tools: dict[str, ToolUse] = {}
    for event in record.get("events", ()):
        kind, data = event.get("kind"), event.get("data", {})
        turn = turns.setdefault(event.get("turn", 0), TurnReport(at=event.get("at", 0.0)))
        match kind:
            case "CallerSaid":
                turn.caller = _joined(turn.caller, data["text"])
                turn.at = event["at"]
            case "AgentSaid":
                turn.agent = _joined(turn.agent, data["text"])
                turn.interrupted = turn.interrupted or bool(data.get("interrupted"))
            case "ToolStarted":
                tools[data["call_id"]] = ToolUse(data["name"], data["arguments"])
                turn.tools.append(tools[data["call_id"]])
            case "ToolFinished" if data["call_id"] in tools:
                tools[data["call_id"]].ok = bool(data["ok"])
            case "TurnMeasured":
                turn.stages_ms = dict(data["stages"])
    return [turns[n] for n in sorted(turns) if turns[n].caller or turns[n].agent or turns[n].tools]


def with_sound(turns: Sequence[TurnReport], heard: CallHeard) -> list[TurnReport]:
    """Adds to each recorded turn what was measured on the utterance it belongs to.

    An utterance belongs to the last turn whose text came after it began and before the next
    one did. One that no turn answers becomes a turn of its own.
    """
    out = list(turns)
    if out and not out[0].caller:
        out[0].latency_ms = heard.greeting_ms
    limits = [*(u.start for u in heard.utterances), float("inf")][1:]
    for utterance, limit in zip(heard.utterances, limits, strict=True):
        answers = [t for t in out if t.caller and utterance.start < t.at <= limit]
        _measure(answers, utterance, out)
    return sorted(out, key=lambda turn: turn.at)


def _measure(answers: list[TurnReport], utterance: UtteranceHeard, turns: list[TurnReport]) -> None:
    if not answers:
        answers = [TurnReport(at=utterance.end)]
        turns.append(answers[0])
    turn = answers[-1]
    turn.said = utterance.text
    turn.latency_ms = utterance.latency_ms
    turn.barge_in_stop_ms = utterance.barge_in_stop_ms


def _joined(first: str, second: str) -> str:
    return f"{first} {second}".strip()


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
