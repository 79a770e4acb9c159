"""A caller who types, the built-in dialogue, and tools that answer from fixed records."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from voice_agent.core.chat import Message, Role, ToolCall, ToolDeclaration
from voice_agent.core.speech import Expectation
from voice_agent.engines.llm.builtin.decide import decide, expectation
from voice_agent.engines.llm.builtin.decisions import CallTool

NOW: Final = datetime(2026, 11, 23, 9, 0, tzinfo=ZoneInfo("America/New_York"))
"""A Monday morning."""

Called = list[tuple[str, Mapping[str, Any]]]


def declare(name: str, description: str = "", /, **parameters: str) -> ToolDeclaration:
    """A tool; a parameter's type ends with `?` when it may be left out."""
    return ToolDeclaration(
        name,
        description or f"Does {name}.",
        {
            "type": "object",
            "properties": {key: {"type": kind.rstrip("?")} for key, kind in parameters.items()},
            "required": [key for key, kind in parameters.items() if not kind.endswith("?")],
        },
    )


FOUR_TOOLS: Final = (
    declare("check_order_status", order_id="string"),
    declare("get_business_hours", department="string?"),
    declare("transfer_to_human", reason="string", department="string?"),
    declare("end_call", reason="string?"),
)
NINE_TOOLS: Final = (
    *FOUR_TOOLS,
    declare("schedule_appointment", date="string", time="string", name="string", purpose="string"),
    declare("cancel_appointment", confirmation_number="string"),
    declare(
        "reschedule_appointment",
        confirmation_number="string",
        new_date="string",
        new_time="string",
    ),
    declare("look_up_account", identifier="string"),
    declare("collect_feedback", rating="integer", comment="string?"),
)


def _order(arguments: Mapping[str, Any]) -> dict[str, Any]:
    number = int(arguments["order_id"])
    if not 1001 <= number <= 1050:
        return {"error": "order_not_found", "message": f"There is no order {number}."}
    return {
        "order_id": number,
        "status": "shipped",
        "items": [{"name": "Desk Lamp", "quantity": 2}],
        "items_text": "Desk Lamp times 2",
        "carrier": "UPS",
        "tracking": "1Z999",
        "eta": "2026-11-25",
        "eta_text": "Wednesday, November 25",
    }


def _booked(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Nine o'clock is taken; everything else is free."""
    if arguments["time"] == "09:00":
        text = "Tuesday, November 24 at 8:30 AM or 9:30 AM"
        return {"error": "slot_taken", "message": f"Free: {text}.", "alternatives_text": text}
    number = "480115" if arguments["time"] == "10:00" else "APT-1007"
    return {**arguments, "status": "booked", "confirmation_number": number}


def _account(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """An account by telephone needs its zip code."""
    errors = {"2125550101": "verification_needed", "12345": "verification_failed"}
    error = errors.get(arguments["identifier"])
    return {"error": error, "message": "Ask."} if error else {"name": "Ann Lee"}


ANSWERS: Final[Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]]] = {
    "check_order_status": _order,
    "get_business_hours": lambda _: {
        "title": "Customer Service",
        "open_now": True,
        "hours_text": "Monday to Friday, 9 AM to 5 PM",
        "closes_at_text": "5 PM",
    },
    "transfer_to_human": lambda _: {"title": "Support", "queue_position": 2, "wait_minutes": 4},
    "end_call": lambda _: {"message": "Thank you for calling. Goodbye."},
    "schedule_appointment": _booked,
    "cancel_appointment": lambda given: {**given, "status": "cancelled"},
    "reschedule_appointment": lambda given: {
        "confirmation_number": given["confirmation_number"],
        "status": "booked",
        "date": given["new_date"],
        "time": given["new_time"],
    },
    "look_up_account": _account,
    "collect_feedback": lambda _: {"feedback_id": 17},
}


class Dialogue:
    """One call in text; every reply is heard whole unless told otherwise."""

    def __init__(
        self,
        tools: Sequence[ToolDeclaration] = NINE_TOOLS,
        answers: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = ANSWERS,
    ) -> None:
        self.tools = tools
        self.answers = answers
        self.messages: list[Message] = []
        self.said = ""

    def hear(self, text: str, confidence: float = 1.0) -> Called:
        """The caller says something; gives the tools that were run."""
        self.messages.append(Message(Role.USER, text, confidence=confidence))
        called: Called = []
        for _ in range(4):
            decision = decide(self.messages, self.tools, NOW)
            if not isinstance(decision, CallTool):
                self.said = decision.text
                self.messages.append(Message(Role.ASSISTANT, decision.text))
                return called
            called.append((decision.name, decision.arguments))
            self._run(decision)
        raise AssertionError("the turn never ended in speech")

    def cut(self, heard: str) -> None:
        """Only `heard` of the last reply was heard."""
        self.messages[-1] = Message(Role.ASSISTANT, heard, interrupted=True)

    @property
    def expected(self) -> Expectation:
        return expectation(self.messages)

    def _run(self, decision: CallTool) -> None:
        call = ToolCall(f"call-{len(self.messages)}", decision.name, decision.arguments)
        self.messages.append(Message(Role.ASSISTANT, "", tool_calls=(call,)))
        content = self.answers[decision.name](decision.arguments)
        self.messages.append(Message(Role.TOOL, json.dumps(content), call_id=call.id))
