"""The transcript and the turns say what was heard and done."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from voice_agent.storage.call_records import Speaker, StoredEvent
from voice_agent.storage.transcript import read_cost, read_transcript, read_turns


def events(*entries: tuple[int, str, dict[str, Any]]) -> list[StoredEvent]:
    return [
        StoredEvent(seq=seq, at=float(seq), turn=turn, kind=kind, data=data)
        for seq, (turn, kind, data) in enumerate(entries)
    ]


CALL = events(
    (0, "CallStarted", {"channel": "phone"}),
    (0, "AgentSaid", {"text": "Hello.", "interrupted": False, "unheard": ""}),
    (1, "CallerHeard", {"text": "where"}),
    (1, "CallerSaid", {"text": "where is it", "confidence": 0.75}),
    (1, "ToolStarted", {"call_id": "a", "name": "look", "arguments": {"x": 1}}),
    (1, "AgentSaying", {"text": "One moment, I will have to look for it."}),
    (1, "AgentSaid", {"text": "One moment.", "interrupted": False, "unheard": ""}),
    (1, "ToolFinished", {"call_id": "a", "name": "look", "ok": False, "duration_ms": 5.0}),
    (1, "AgentSaid", {"text": "It is", "interrupted": True, "unheard": "lost."}),
    (1, "TurnMeasured", {"total_ms": 700.0, "stages": {"stt": 200.0, "tts": 500.0}}),
    (2, "CallerSaid", {"text": "what", "confidence": None}),
    (2, "AgentSaid", {"text": "", "interrupted": True, "unheard": "It is lost."}),
    (3, "ToolStarted", {"call_id": "b", "name": "look", "arguments": {}}),
)


def test_the_transcript_holds_what_was_heard_and_nothing_else() -> None:
    lines = [(line.speaker, line.text, line.interrupted) for line in read_transcript(CALL)]
    assert lines == [
        (Speaker.AGENT, "Hello.", False),
        (Speaker.CALLER, "where is it", False),
        (Speaker.AGENT, "One moment.", False),
        (Speaker.AGENT, "It is", True),
        (Speaker.CALLER, "what", False),
    ]


def test_a_turn_holds_both_sides_its_tools_and_its_stages() -> None:
    greeting, first, second, third = read_turns(CALL)
    assert (greeting.turn, greeting.caller, greeting.agent) == (0, "", "Hello.")
    assert (first.caller, first.agent) == ("where is it", "One moment. It is")
    assert first.interrupted
    assert (first.total_ms, first.stages_ms) == (700.0, {"stt": 200.0, "tts": 500.0})
    assert [(use.name, use.arguments, use.ok) for use in first.tools] == [("look", {"x": 1}, False)]
    assert (second.agent, second.interrupted, second.total_ms) == ("", True, None)
    assert third.tools[0].ok is None


kinds = st.sampled_from(
    ["CallerSaid", "AgentSaid", "ToolStarted", "ToolFinished", "TurnMeasured", "Whatever"]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
data = st.dictionaries(
    st.sampled_from(["text", "confidence", "interrupted", "call_id", "name", "ok", "total_ms"]),
    scalars,
)


@given(st.lists(st.tuples(st.integers(0, 3), kinds, data), max_size=12))
def test_any_stored_events_can_be_read(entries: list[tuple[int, str, dict[str, Any]]]) -> None:
    stored = events(*entries)
    lines = read_transcript(reversed(stored))
    assert lines == read_transcript(stored)
    turns = [turn.turn for turn in read_turns(stored)]
    assert turns == sorted(set(turns))


def test_a_turn_the_caller_went_on_with_is_told_once() -> None:
    lines = read_transcript(
        events(
            (1, "CallerSaid", {"text": "where is", "confidence": 0.9}),
            (1, "CallerWentOn", {}),
            (2, "CallerSaid", {"text": "where is my order", "confidence": 0.9}),
        )
    )
    assert [line.text for line in lines] == ["where is my order"]


def used(turn: int, usd: float | None) -> tuple[int, str, dict[str, Any]]:
    return (turn, "EngineUsed", {"provider": "p", "model": "m", "amounts": {}, "usd": usd})


@given(st.lists(st.tuples(st.integers(0, 5), st.floats(0, 0.01)), max_size=50))
def test_what_the_turns_cost_sums_to_what_the_call_costs(work: list[tuple[int, float]]) -> None:
    log = events(*(used(turn, usd) for turn, usd in work))
    turns = sum(turn.cost_usd for turn in read_turns(log))
    assert abs(read_cost(log).usd - turns) < 1e-9


def test_work_without_a_known_price_is_named_and_not_guessed() -> None:
    cost = read_cost(events(used(1, 0.5), used(1, None), used(2, None)))
    assert (cost.usd, cost.unpriced) == (0.5, ("p/m",))
