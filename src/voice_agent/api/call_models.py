"""How calls look in the API. Callers' numbers are masked."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, Self

from pydantic import BaseModel, Field

from voice_agent.core.call import Channel, Direction, Disposition
from voice_agent.pipeline.directory import CallSnapshot, CallState, mask_caller
from voice_agent.storage.call_records import CallPage, CallRecord, CallSummary, Speaker, StoredEvent
from voice_agent.storage.transcript import read_cost, read_transcript, read_turns


class ActiveCall(BaseModel):
    """A call that is going on."""

    id: str
    channel: Channel
    direction: Direction
    caller: str = Field(description="Masked but for the last four characters.")
    started_at: datetime
    state: CallState
    turn: int
    elapsed: float = Field(description="Seconds from the start to the last event.")
    caller_text_length: int = Field(description="Characters of the caller's latest words.")
    agent_text_length: int = Field(description="Characters of the agent's latest words.")
    troubles: int
    engines: dict[str, str]

    @classmethod
    def of(cls, snapshot: CallSnapshot) -> Self:
        """From the directory's snapshot."""
        names = set(cls.model_fields) - {"engines"}
        values = {name: getattr(snapshot, name) for name in names}
        return cls(**values, engines=dict(snapshot.engines))


class ActiveCalls(BaseModel):
    """Every call that is going on, oldest first."""

    calls: list[ActiveCall]
    count: int


class LoggedCall(BaseModel):
    """One line of the call log."""

    id: str
    channel: Channel
    direction: Direction
    caller: str = Field(description="Masked but for the last four characters.")
    callee: str
    started_at: datetime
    ended_at: datetime | None
    duration: float | None = Field(description="Seconds.")
    disposition: Disposition | None = Field(description="How it ended; null while it lasts.")
    turn_count: int

    @classmethod
    def of(cls, summary: CallSummary) -> "LoggedCall":
        """From the stored summary."""
        return LoggedCall(
            id=summary.id,
            channel=summary.channel,
            direction=summary.direction,
            caller=mask_caller(summary.caller),
            callee=summary.callee,
            started_at=summary.started_at,
            ended_at=summary.ended_at,
            duration=summary.duration,
            disposition=summary.disposition,
            turn_count=summary.turns,
        )


class LoggedCalls(BaseModel):
    """A page of the call log, newest first."""

    calls: list[LoggedCall]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page.")

    @classmethod
    def of(cls, page: CallPage) -> Self:
        """From the stored page."""
        calls = [LoggedCall.of(summary) for summary in page.calls]
        return cls(calls=calls, next_cursor=page.next_cursor or None)


class Line(BaseModel):
    """What one side said; the agent's words as far as they were heard."""

    at: float = Field(description="Seconds since the call started.")
    turn: int
    speaker: Speaker
    text: str
    confidence: float | None
    interrupted: bool


class UsedTool(BaseModel):
    """A tool call of a turn."""

    name: str
    arguments: dict[str, Any]
    ok: bool | None
    duration_ms: float | None
    result: dict[str, Any]


class LoggedTurn(BaseModel):
    """One exchange."""

    turn: int
    at: float
    caller: str
    agent: str
    interrupted: bool
    tools: list[UsedTool]
    latency_ms: float | None
    stages_ms: dict[str, float]
    cost_usd: float = Field(description="Of the engines' work for this turn.")


class LoggedEvent(BaseModel):
    """One thing that happened."""

    seq: int
    at: float
    turn: int
    kind: str
    data: dict[str, Any]


class LoggedCallDetail(LoggedCall):
    """A stored call with everything in it."""

    engines: dict[str, str]
    cost_usd: float = Field(description="Of all engines' work; turns and what belongs to none.")
    cost_unknown: list[str] = Field(description="Engines whose work has no known price.")
    transcript: list[Line]
    turns: list[LoggedTurn]
    events: list[LoggedEvent]

    @classmethod
    def of_record(cls, record: CallRecord) -> Self:
        """From the stored record."""
        line = LoggedCall.of(record.summary).model_dump()
        turns = [asdict(turn) for turn in read_turns(record.events)]
        cost = read_cost(record.events)
        return cls(
            **line,
            engines=dict(record.engines),
            cost_usd=cost.usd,
            cost_unknown=list(cost.unpriced),
            transcript=[Line(**asdict(said)) for said in read_transcript(record.events)],
            turns=[LoggedTurn(latency_ms=turn.pop("total_ms"), **turn) for turn in turns],
            events=[_event(event) for event in record.events],
        )


def _event(event: StoredEvent) -> LoggedEvent:
    data = dict(event.data)
    if event.kind == "CallStarted":
        data["caller"] = mask_caller(str(data.get("caller", "")))
    return LoggedEvent(seq=event.seq, at=event.at, turn=event.turn, kind=event.kind, data=data)
