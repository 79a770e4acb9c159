"""The agent's own sentences, by language; wording is data in `languages/`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from voice_agent.core.call import Disposition
from voice_agent.core.errors import ConfigurationError
from voice_agent.pipeline.turns import ReplyReason

_KEYS = {
    ReplyReason.GREET: "greeting",
    ReplyReason.PROMPT: "prompt",
    ReplyReason.ASK_AGAIN: "ask_again",
    ReplyReason.HOLD_ON: "reassurance",
    ReplyReason.APOLOGISE: "apology",
}
_FAREWELLS = {
    Disposition.CALLER_IDLE: "farewell_idle",
    Disposition.TOO_LONG: "farewell_long",
    Disposition.SERVER_STOPPED: "farewell_stopping",
}


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language's sentences for one business; `count` picks the wording."""

    data: Mapping[str, Any]
    business: str
    greeting: str = ""

    def say(self, reason: ReplyReason, count: int) -> str:
        """The sentence for a reply that needs no model."""
        if reason is ReplyReason.GREET and self.greeting:
            return self.greeting
        return self._pick(_KEYS[reason], count)

    def farewell(self, disposition: Disposition | None) -> str:
        """What is said before the agent ends the call for this reason."""
        return self._pick(
            _FAREWELLS.get(disposition or Disposition.CALLER_IDLE, "farewell_idle"), 0
        )

    def reassurance(self, count: int) -> str:
        """A few words while something takes long."""
        return self._pick("reassurance", count)

    def filler(self, kind: str, count: int) -> str:
        """A few words while a tool of this kind works; the wordings take turns."""
        wordings: list[str] = self.data["fillers"][kind]
        return wordings[count % len(wordings)]

    def resume(self, rest: str) -> str:
        """Go on after a noise cut the agent off, with what was not heard."""
        if not rest.strip():
            return self._pick("resume_nothing", 0)
        return self._pick("resume", 0).replace("{rest}", rest.strip())

    @property
    def fixed(self) -> tuple[str, ...]:
        """Every sentence that is the same for all callers, the greeting first."""
        keys = dict.fromkeys((*_KEYS.values(), *_FAREWELLS.values(), "reassurance"))
        wordings = [wording for key in keys for wording in self.data[key]]
        wordings += [wording for kind in self.data["fillers"].values() for wording in kind]
        said = (wording.replace("{business}", self.business) for wording in wordings)
        return tuple(dict.fromkeys((*filter(None, (self.greeting,)), *said)))

    @property
    def human_key(self) -> str:
        """What pressing zero means, in the caller's words."""
        return str(self.data["human_key"])

    def system_prompt(self, *, today: str, time: str, timezone: str) -> str:
        """Instructions for a language model."""
        template = str(self.data["system_prompt"]).strip()
        return template.format(business=self.business, today=today, time=time, timezone=timezone)

    def _pick(self, key: str, count: int) -> str:
        wordings: list[str] = self.data[key]
        return wordings[min(count, len(wordings) - 1)].replace("{business}", self.business)


def load_phrases(language: str, business: str, greeting: str = "") -> Phrases:
    """The sentences of a language.

    Raises:
        ConfigurationError: the language does not ship; the message lists those that do.
    """
    folder = resources.files("voice_agent.pipeline").joinpath("languages")
    path = folder.joinpath(f"{language}.toml")
    if not path.is_file():
        known = ", ".join(sorted(p.name.removesuffix(".toml") for p in folder.iterdir()))
        raise ConfigurationError(f"the agent does not speak {language!r} yet; it speaks: {known}")
    return Phrases(tomllib.loads(path.read_text("utf-8")), business, greeting)
