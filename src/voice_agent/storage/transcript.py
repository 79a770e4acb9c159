"""What a call's stored events tell: the transcript as heard, and its turns. Pure."""

import math
from collections.abc import Iterable, Sequence
from itertools import groupby

from voice_agent.storage.call_records import (
    CallCost,
    Speaker,
    StoredEvent,
    ToolUse,
    TranscriptLine,
    TurnRecord,
)


def read_transcript(events: Iterable[StoredEvent]) -> tuple[TranscriptLine, ...]:
    """Who said what, in order, without words that nobody heard.

    The first half of a turn that the caller went on with is left out: it comes again, whole.
    """
    lines = (_line(event) for event in sorted(_settled(events), key=_order))
    return tuple(line for line in lines if line is not None and line.text)


def read_turns(events: Iterable[StoredEvent]) -> tuple[TurnRecord, ...]:
    """The turns in which somebody spoke, a tool ran or something was measured."""
    ordered = sorted(_settled(events), key=lambda event: (event.turn, event.seq))
    groups = groupby(ordered, key=lambda event: event.turn)
    turns = (_turn(number, list(group)) for number, group in groups)
    return tuple(turn for turn in turns if turn is not None)


def read_cost(events: Iterable[StoredEvent]) -> CallCost:
    """What the call's engines cost, as far as their prices are known."""
    used = [event for event in events if event.kind == "EngineUsed"]
    unpriced = {_engine(event) for event in used if event.data.get("usd") is None}
    return CallCost(_usd(used), tuple(sorted(unpriced)))


def _usd(events: Iterable[StoredEvent]) -> float:
    known = (event.data.get("usd") for event in events if event.kind == "EngineUsed")
    return math.fsum(usd for usd in known if isinstance(usd, int | float))


def _engine(event: StoredEvent) -> str:
    return f"{event.data.get('provider')}/{event.data.get('model')}"


def _settled(events: Iterable[StoredEvent]) -> list[StoredEvent]:
    known = list(events)
    gone_on = {event.turn for event in known if event.kind == "CallerWentOn"}
    return [e for e in known if not (e.kind == "CallerSaid" and e.turn in gone_on)]


def _order(event: StoredEvent) -> int:
    return event.seq


def _line(event: StoredEvent) -> TranscriptLine | None:
    text = str(event.data.get("text", "")).strip()
    match event.kind:
        case "CallerSaid":
            confidence = event.data.get("confidence")
            known = float(confidence) if isinstance(confidence, int | float) else None
            return TranscriptLine(event.at, event.turn, Speaker.CALLER, text, confidence=known)
        case "AgentSaid":
            cut = bool(event.data.get("interrupted"))
            return TranscriptLine(event.at, event.turn, Speaker.AGENT, text, interrupted=cut)
    return None


def _turn(number: int, events: Sequence[StoredEvent]) -> TurnRecord | None:
    lines = [line for line in map(_line, events) if line is not None]
    tools = _tools(events)
    measured = [event.data for event in events if event.kind == "TurnMeasured"]
    if not (lines or tools or measured or _usd(events)):
        return None
    last = measured[-1] if measured else {}
    return TurnRecord(
        turn=number,
        at=events[0].at,
        caller=_joined(lines, Speaker.CALLER),
        agent=_joined(lines, Speaker.AGENT),
        interrupted=any(line.interrupted for line in lines),
        tools=tools,
        total_ms=_numbers({"total": last.get("total_ms")}).get("total"),
        stages_ms=_numbers(last.get("stages")),
        cost_usd=_usd(events),
    )


def _numbers(values: object) -> dict[str, float]:
    found = values.items() if isinstance(values, dict) else ()
    return {str(name): float(value) for name, value in found if isinstance(value, int | float)}


def _joined(lines: Iterable[TranscriptLine], speaker: Speaker) -> str:
    return " ".join(line.text for line in lines if line.speaker is speaker and line.text)


def _tools(events: Iterable[StoredEvent]) -> tuple[ToolUse, ...]:
    uses: dict[str, ToolUse] = {}
    for event in events:
        call_id = str(event.data.get("call_id", event.seq))
        name = str(event.data.get("name", ""))
        if event.kind == "ToolStarted":
            uses[call_id] = ToolUse(name, event.data.get("arguments") or {})
        elif event.kind == "ToolFinished":
            started = uses.get(call_id)
            uses[call_id] = ToolUse(
                name=name,
                arguments=started.arguments if started else {},
                ok=bool(event.data.get("ok")),
                duration_ms=event.data.get("duration_ms"),
                result=event.data.get("result") or {},
            )
    return tuple(uses.values())
