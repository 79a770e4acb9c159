"""What is known at the beginning of one call, and what is learned in it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from voice_agent.core.call import Call, Disposition
from voice_agent.core.events import CallEnded, CallEvent
from voice_agent.core.memory import CallerId, CallerProfile, ConsentSource, MemoryMode
from voice_agent.core.ports import LanguageModel
from voice_agent.memory.consent import ConsentWatch
from voice_agent.memory.conversation import ConversationMemory, SummarisedModel
from voice_agent.memory.forgetting import Retention
from voice_agent.memory.plain_text import plain
from voice_agent.memory.profile import UserMemory
from voice_agent.memory.wording import Wording

LONGEST_RECORD: Final = 1500
"""Characters of a caller's record in the prompt."""
_CALLS_TOLD: Final = 3


@dataclass(frozen=True, slots=True)
class MemorySettings:
    """What the operator decided.

    `notice` says that the business's notice tells callers that they are remembered; `ask` lets
    the agent ask those who were not told; `minutes` lets a model put a call's matter in words.
    """

    mode: MemoryMode = MemoryMode.CALLERS
    notice: bool = False
    ask: bool = False
    minutes: bool = False
    max_turns: int = 12
    language: str = "en"
    retention: Retention = field(default_factory=Retention)

    @property
    def accepted(self) -> frozenset[ConsentSource]:
        """On what a recorded consent may rest today."""
        own = frozenset({ConsentSource.CALLER})
        return own | {ConsentSource.NOTICE} if self.notice else own


class Recollection:
    """What is known at the beginning of one call, and what is learned in it."""

    def __init__(
        self,
        call: Call,
        caller: CallerId | None,
        profile: CallerProfile | None,
        *,
        recalled: bool,
        settings: MemorySettings,
        wording: Wording,
        conversation: ConversationMemory | None,
        keep: Callable[["Recollection", Disposition], None],
    ) -> None:
        """`caller` is None where nobody can or may be remembered; `keep` must not block.

        `recalled` is false where it could not be found out whether there is a profile.
        """
        self.call = call
        self.caller = caller
        self.profile = profile
        self.user = UserMemory(call, wording, settings.language)
        self.consent = ConsentWatch(wording.consent)
        self.forgotten = False
        self.recalled = recalled
        self._settings = settings
        self._wording = wording
        self._conversation = conversation
        self._keep = keep
        self._over = False

    @property
    def known(self) -> bool:
        """Whether anything is known that may be used."""
        profile = self.profile
        return bool(
            profile
            and profile.consent.granted
            and profile.consent.source in self._settings.accepted
        )

    @property
    def prompt_addition(self) -> str:
        """What to add to the model's instructions, as data that cannot instruct; may be "".

        It is the same throughout the call, so that prompt caches hold.
        """
        if self.profile is not None and self.known:
            record = caller_record(self.profile)
            return f"{self._wording.say('known_caller')}\n{record}"
        unknown = self.recalled and self.profile is None
        if unknown and self._settings.ask and not self._settings.notice:
            return self._wording.say("ask_consent")
        return ""

    def greeting(self, standard: str) -> str:
        """The first sentence: the standard one, after the caller's name where it is known."""
        name = self.profile.name.split(" ")[0] if self.profile and self.known else ""
        if not name:
            return standard
        return f"{self._wording.say('welcome_back').replace('{name}', name)} {standard}"

    def model(self, model: LanguageModel) -> LanguageModel:
        """The model as this call asks it: with the older part of a long call summed up."""
        return SummarisedModel(model, self._conversation) if self._conversation else model

    def note(self, event: CallEvent) -> None:
        """Take the call's next event; never blocks. The last one ends the recollection."""
        if self.caller is not None:
            self.user.note(event)
            self.consent.note(event)
        if isinstance(event.payload, CallEnded):
            self.end(event.payload.disposition)

    def end(self, disposition: Disposition) -> None:
        """The call is over: keep in the background what may be kept; safe to repeat."""
        if not self._over:
            self._over = True
            self._keep(self, disposition)


def caller_record(profile: CallerProfile) -> str:
    """A profile as quoted data of bounded length; the oldest calls give way first."""
    for count in range(_CALLS_TOLD, -1, -1):
        told = orjson.dumps(_told(profile, count)).decode()
        if len(told) <= LONGEST_RECORD:
            break
    return f"<caller_record>\n{told}\n</caller_record>"


def _told(profile: CallerProfile, calls: int) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": plain(profile.name, 60),
        "tier": plain(profile.tier, 20),
        "language": plain(profile.language, 20),
        "preferences": [plain(wish, 120) for wish in profile.preferences[:5]],
        "earlier_calls_newest_first": [
            {
                "date": f"{call.at:%Y-%m-%d}",
                "matter": plain(call.matter, 320),
                "how_it_ended": plain(call.outcome, 160),
                "call_ended_by": call.disposition.replace("_", " "),
            }
            for call in profile.calls[:calls]
        ],
    }
    return {name: value for name, value in fields.items() if value}
