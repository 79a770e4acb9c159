"""What one call teaches about its caller, by rules, out of what was heard and what tools found."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from voice_agent.core.call import Call, Disposition
from voice_agent.core.chat import Message, Role, ToolCall
from voice_agent.core.events import (
    AgentSaid,
    CallerSaid,
    CallerWentOn,
    CallEvent,
    ToolFinished,
    ToolStarted,
)
from voice_agent.core.memory import (
    PREFERENCES_KEPT,
    Consent,
    ConsentSource,
    Learned,
    PastCall,
    RememberedTurn,
)
from voice_agent.memory.consent import LEAST_CONFIDENCE
from voice_agent.memory.plain_text import plain
from voice_agent.memory.wording import Wording

LONGEST_NAME: Final = 60
LONGEST_MATTER: Final = 160
LONGEST_SAID: Final = 500
TURNS_KEPT: Final = 100
"""Turns of one call; of a longer one the newest."""
_LONGEST_WORD: Final = 20
_LONGEST_WISH: Final = 120
_WORDS_OF_A_MATTER: Final = 3


@dataclass(slots=True)
class _Turn:
    """What was heard of both sides in one turn."""

    at: float
    caller: str = ""
    confidence: float = 1.0
    agent: str = ""


@dataclass(slots=True)
class _Use:
    """A tool that was used, `ok` None while it runs."""

    name: str
    arguments: Mapping[str, Any]
    ok: bool | None = None
    result: Mapping[str, Any] = field(default_factory=dict)


class UserMemory:
    """One caller's part of a call: follows its events and says what is worth remembering."""

    def __init__(self, call: Call, wording: Wording, language: str) -> None:
        """`language` is the one that is spoken in the call."""
        self._call = call
        self._wording = wording
        self._language = language
        self._turns: dict[int, _Turn] = {}
        self._uses: dict[str, _Use] = {}

    def note(self, event: CallEvent) -> None:
        """Take the next event of the call; never blocks."""
        match event.payload:
            case CallerSaid(text, confidence):
                turn = self._turn(event)
                turn.caller, turn.confidence = plain(text, LONGEST_SAID), confidence
            case CallerWentOn():
                self._turns.pop(event.turn, None)
            case AgentSaid(text):
                turn = self._turn(event)
                turn.agent = plain(f"{turn.agent} {text}", LONGEST_SAID)
            case ToolStarted(call_id, name, arguments):
                self._uses[call_id] = _Use(name, arguments)
            case ToolFinished(call_id, name, ok, _, result):
                use = self._uses.setdefault(call_id, _Use(name, {}))
                use.ok, use.result = ok and "error" not in result, result

    def _turn(self, event: CallEvent) -> _Turn:
        if event.turn not in self._turns and len(self._turns) >= TURNS_KEPT:
            del self._turns[min(self._turns)]
        return self._turns.setdefault(event.turn, _Turn(event.at))

    @property
    def exchanges(self) -> int:
        """In how many turns the caller said something."""
        return sum(bool(turn.caller) for turn in self._turns.values())

    def messages(self) -> list[Message]:
        """The call as heard, without numbers, and its tools, for minutes of it."""
        messages: list[Message] = []
        for _, turn in sorted(self._turns.items()):
            for role, text in ((Role.USER, turn.caller), (Role.ASSISTANT, turn.agent)):
                if text:
                    messages.append(Message(role, self._wording.mask(text)))
        for call_id, use in self._uses.items():
            call = ToolCall(call_id, use.name, {})
            messages.append(Message(Role.ASSISTANT, "", tool_calls=(call,)))
            outcome = f'{{"outcome": "{self._outcome(use)}"}}'
            messages.append(Message(Role.TOOL, outcome, call_id=call_id))
        return messages

    def learned(
        self,
        disposition: Disposition,
        consent: Consent | None,
        accepted: frozenset[ConsentSource],
        minutes: str = "",
    ) -> Learned:
        """What to remember; `minutes` are a model's words for the matter."""
        matter, outcome = self._matter()
        name, verified = self._name()
        return Learned(
            call=PastCall(
                self._call.id,
                self._call.started_at,
                self._call.channel.value,
                plain(self._wording.mask(minutes), LONGEST_MATTER * 2) if minutes else matter,
                outcome,
                disposition.value,
            ),
            consent=consent,
            accepted=accepted,
            name=name,
            name_verified=verified,
            tier=self._account("tier", _LONGEST_WORD),
            language=plain(self._language, _LONGEST_WORD),
            preferences=self._preferences(),
            turns=tuple(self._remembered()),
        )

    def _sure(self) -> Iterator[str]:
        """What the caller said and was well understood, newest first."""
        for _, turn in sorted(self._turns.items(), reverse=True):
            if turn.caller and turn.confidence >= LEAST_CONFIDENCE:
                yield turn.caller.replace("’", "'")

    def _name(self) -> tuple[str, bool]:
        """The verified account's name, else one that was stated; whether it is verified."""
        if verified := _name_like(self._account("name", LONGEST_NAME)):
            return verified, True
        for text in self._sure():
            for pattern in self._wording.names:
                if found := pattern.search(text):
                    return _name_like(found["name"]), False
        return self._booked_for(), False

    def _booked_for(self) -> str:
        """The name that an appointment was made in."""
        for use in reversed(self._uses.values()):
            name = use.arguments.get("name")
            if use.name == "schedule_appointment" and use.ok and isinstance(name, str):
                return _name_like(name)
        return ""

    def _account(self, key: str, longest: int) -> str:
        """A field of the account that the caller was verified for."""
        for use in reversed(self._uses.values()):
            account = _verified_account(use)
            if isinstance(account.get(key), str):
                return plain(account[key], longest)
        return ""

    def _preferences(self) -> tuple[str, ...]:
        wishes: dict[str, None] = {}
        for text in self._sure():
            for pattern in self._wording.preferences:
                if found := pattern.search(text):
                    wishes[plain(self._wording.mask(found.group()), _LONGEST_WISH)] = None
        return tuple(wishes)[:PREFERENCES_KEPT]

    def _matter(self) -> tuple[str, str]:
        """What the call was about, and how that ended."""
        minor = self._wording.listed("minor")
        uses = [
            use for use in self._uses.values() if use.name not in self._wording.listed("silent")
        ]
        weighty = [use for use in uses if use.name not in minor]
        if not uses:
            return self._first_words(), ""
        use = (weighty or uses)[-1]
        return self._told(use), self._outcome(use)

    def _told(self, use: _Use) -> str:
        def value(placeholder: re.Match[str]) -> str:
            given = use.arguments.get(placeholder[1])
            known = given if isinstance(given, str | int) and given != "" else "…"
            return plain(str(known), LONGEST_MATTER // 3)

        template = self._wording.matters.get(use.name, use.name.replace("_", " "))
        return plain(re.sub(r"\{(\w+)\}", value, template), LONGEST_MATTER)

    def _outcome(self, use: _Use) -> str:
        if not use.ok:
            code = plain(str(use.result.get("error", "")), 40).replace("_", " ")
            return ": ".join(filter(None, (self._wording.say("failed"), code)))
        facts = {name: use.result.get(name) for name in self._wording.listed("facts")}
        told = [f"{name} {v}" for name, v in facts.items() if isinstance(v, str | int) and v != ""]
        return plain(", ".join((self._wording.say("done"), *told)).replace('"', ""), LONGEST_MATTER)

    def _first_words(self) -> str:
        """The first thing the caller said that is more than a greeting."""
        said = [turn.caller for _, turn in sorted(self._turns.items()) if turn.caller]
        long = (text for text in said if len(text.split()) > _WORDS_OF_A_MATTER)
        first = next(long, next(iter(said), ""))
        return plain(self._wording.mask(first), LONGEST_MATTER)

    def _remembered(self) -> Iterator[RememberedTurn]:
        mask = self._wording.mask
        for number, turn in sorted(self._turns.items()):
            if turn.caller or turn.agent:
                at = _moment(self._call.started_at, turn.at)
                yield RememberedTurn(self._call.id, number, at, mask(turn.caller), mask(turn.agent))


def _verified_account(use: _Use) -> Mapping[str, Any]:
    """The account; the tool tells one only to a caller who proved that it is theirs."""
    return use.result if use.name == "look_up_account" and use.ok else {}


def _name_like(text: str) -> str:
    """A name as it is written, "" for anything that cannot be one."""
    name = plain(text, LONGEST_NAME)
    letters = all(letter.isalpha() or letter in " .'’-" for letter in name)
    if not letters or len(name.split()) > 5:
        return ""
    return name.title() if name.islower() else name


def _moment(start: datetime, seconds: float) -> datetime:
    return start + timedelta(seconds=seconds)
