from typing import Any

import orjson
from rich.console import Console

from voice_agent.simulation.analysis import CallHeard, UtteranceHeard
from voice_agent.simulation.report import CallReport, TurnReport, recorded_turns, with_sound
from voice_agent.simulation.show import show_report


def event(kind: str, turn: int, at: float, **data: Any) -> dict[str, Any]:
    return {"call_id": "c", "seq": 0, "at": at, "turn": turn, "kind": kind, "data": data}


RECORD: dict[str, Any] = {
    "id": "c",
    "disposition": "caller_hung_up",
    "events": [
        event("CallStarted", 0, 0.0),
        event("AgentSaid", 0, 2.0, text="Hello.", interrupted=False, unheard=""),
        event("CallerSaid", 1, 4.3, text="where is my order", confidence=0.9),
        event(
            "ToolStarted",
            1,
            4.4,
            call_id="t1",
            name="check_order_status",
            arguments={"order_id": 1042},
        ),
        event(
            "ToolFinished",
            1,
            4.5,
            call_id="t1",
            name="check_order_status",
            ok=True,
            duration_ms=1.0,
            result={},
        ),
        event(
            "TurnMeasured",
            1,
            4.8,
            total_ms=600.0,
            stages={"hear": 200.0, "decide": 100.0, "think": 300.0},
        ),
        event("AgentSaid", 1, 6.1, text="It is", interrupted=True, unheard="on its way"),
        event("CallerSaid", 2, 7.2, text="thanks", confidence=0.9),
        event("AgentSaid", 2, 8.5, text="Goodbye.", interrupted=False, unheard=""),
        event("CallEnded", 2, 9.0, disposition="caller_hung_up", duration=9.0),
    ],
}


def heard(*utterances: UtteranceHeard) -> CallHeard:
    return CallHeard(9.0, 120.0, list(utterances), [(0.1, 2.0)], [], 800.0, 100.0)


ORDER = UtteranceHeard(2.5, 4.0, "where's my order", 610.04, None)
THANKS = UtteranceHeard(6.0, 6.9, "thanks", 500.0, 140.0)


def test_turns_carry_text_tools_stages_and_what_was_measured() -> None:
    greeting, order, thanks = with_sound(recorded_turns(RECORD), heard(ORDER, THANKS))
    assert greeting.as_dict()["agent"] == "Hello."
    assert greeting.as_dict()["latency_ms"] == 120.0
    assert order.as_dict() == {
        "caller": "where is my order",
        "agent": "It is",
        "interrupted": True,
        "latency_ms": 610.0,
        "stages_ms": {"hear": 200.0, "decide": 100.0, "think": 300.0},
        "tools": [{"name": "check_order_status", "arguments": {"order_id": 1042}, "ok": True}],
        "said": "where's my order",
        "barge_in_stop_ms": None,
    }
    assert (thanks.caller, thanks.latency_ms, thanks.barge_in_stop_ms) == ("thanks", 500.0, 140.0)


def test_an_utterance_nobody_understood_is_a_turn_of_its_own() -> None:
    lost = UtteranceHeard(7.3, 8.0, "mumble", None, None)
    turns = with_sound(recorded_turns(RECORD), heard(ORDER, THANKS, lost))
    assert [turn.said for turn in turns] == ["", "where's my order", "thanks", "mumble"]
    assert turns[-1].as_dict()["latency_ms"] is None


def test_without_a_record_the_measures_remain() -> None:
    turns = with_sound(recorded_turns({}), heard(ORDER))
    assert [(t.said, t.latency_ms) for t in turns] == [("where's my order", 610.04)]


def test_an_utterance_heard_as_two_turns_is_measured_on_the_second() -> None:
    long = UtteranceHeard(2.5, 7.0, "both", 400.0, None)
    _, first, second = with_sound(recorded_turns(RECORD), heard(long))
    assert (first.latency_ms, second.latency_ms) == (None, 400.0)


def test_the_report_is_json_with_the_agreed_keys() -> None:
    turns = with_sound(recorded_turns(RECORD), heard(ORDER, THANKS))
    report = CallReport("CA1", "caller_hung_up", turns, heard(ORDER, THANKS), ["w"], {"x": 1})
    decoded = orjson.loads(orjson.dumps(report.as_dict()))
    assert decoded["call_sid"] == "CA1"
    assert decoded["disposition"] == "caller_hung_up"
    assert decoded["longest_silence_ms"] == 800.0
    assert decoded["gaps_ms"] == []
    assert decoded["barge_in_stop_ms"] == [140.0]
    assert len(decoded["turns"]) == 3


def test_the_report_can_be_read_by_people() -> None:
    turns = with_sound(recorded_turns(RECORD), heard(ORDER, THANKS))
    console = Console(width=120, record=True, file=None, quiet=False, force_terminal=False)
    with console.capture() as shown:
        show_report(console, CallReport("CA1", "caller_hung_up", turns, heard(), ["beware"], {}))
    text = shown.get()
    for piece in (
        "where is my order",
        "check_order_status",
        "(interrupted)",
        "beware",
        "think 300",
        "caller_hung_up",
    ):
        assert piece in text


def test_a_call_in_which_the_caller_said_nothing_has_its_greeting() -> None:
    (greeting,) = with_sound(recorded_turns({"events": RECORD["events"][:2]}), heard())
    assert (greeting.agent, greeting.latency_ms) == ("Hello.", 120.0)


def test_a_call_without_turns_can_be_shown() -> None:
    console = Console(width=100)
    with console.capture() as shown:
        show_report(console, CallReport("CA1", "failed", [TurnReport()], heard(), [], {}))
    assert "failed" in shown.get()
