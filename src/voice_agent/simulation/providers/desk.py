"""What the simulated providers share: delays, faults, keys, and the engines behind them."""

import random
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
from pydantic import BaseModel, ConfigDict, Field
from starlette.routing import BaseRoute

from voice_agent.core.ports import LanguageModel, SpeechRecognizer, SpeechSynthesizer
from voice_agent.simulation.providers.faults import Fault, FaultPlan

JOURNAL: Final = 1000
"""How many requests the journal remembers."""
VALID_KEY: Final = "simulated-key"
"""The key that every simulated provider accepts unless told otherwise."""


class Timing(BaseModel):
    """How long a provider takes (s)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    first: float = Field(default=0.0, ge=0, description="Before the first event of an answer.")
    between: float = Field(default=0.0, ge=0, description="Between two events of a stream.")
    jitter: float = Field(default=0.0, ge=0, description="Most that is added to each, at random.")


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that came in: the path with its query, and the decoded body or first message."""

    provider: str
    path: str
    body: Any
    headers: Mapping[str, str]


@dataclass(slots=True)
class Desk:
    """The state of one set of simulated providers.

    `model`, `recognizer` and `synthesizer` think, hear and speak for all of them.
    """

    model: LanguageModel
    recognizer: SpeechRecognizer
    synthesizer: SpeechSynthesizer
    timings: Mapping[str, Timing] = field(default_factory=dict)
    faults: FaultPlan = field(default_factory=FaultPlan)
    keys: frozenset[str] = frozenset({VALID_KEY})
    chance: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311
    journal: deque[Seen] = field(default_factory=lambda: deque(maxlen=JOURNAL))
    moments: deque[tuple[str, float]] = field(default_factory=lambda: deque(maxlen=JOURNAL))
    """When answers left: the provider and the moment on the event loop's clock (s)."""
    connections: dict[str, int] = field(default_factory=dict)
    """WebSockets open now, by provider."""
    rules: dict[str, BaseModel] = field(default_factory=dict)
    """Limits and switches by provider, where they are not the usual ones."""

    def timing(self, provider: str) -> Timing:
        """The delays of a provider."""
        return self.timings.get(provider, Timing())

    def fate(self, provider: str, *, connecting: bool | None = None) -> Fault | None:
        """What is ordered for the request that just came in; see `FaultPlan.fate`."""
        return self.faults.fate(provider, connecting=connecting)

    def delay(self, provider: str, *, first: bool) -> float:
        """The seconds before the first or the next event, drawn anew each time."""
        timing = self.timing(provider)
        return (timing.first if first else timing.between) + self.chance.uniform(0.0, timing.jitter)

    async def wait(self, provider: str, *, first: bool) -> None:
        """The delay before the first or the next event."""
        seconds = self.delay(provider, first=first)
        if seconds > 0:
            await anyio.sleep(seconds)
        if first:
            self.note(provider)

    def note(self, provider: str) -> None:
        """A provider's delay is over: what was waited for leaves now."""
        self.moments.append((provider, anyio.current_time()))


@dataclass(frozen=True, slots=True)
class Simulator:
    """One simulated provider; its file or package ends with `SIMULATOR = Simulator(…)`.

    Its routes live under `/<name>`, so its base URL is `http://host:port/<name>`. `variables`
    say how the product is pointed to it, with `{base}` for that URL: a name like
    `llm.openai.base_url` is an engine's option, any other an environment variable. Engines of its
    name that are not mentioned get the base URL as it is.
    """

    name: str
    summary: str
    routes: Callable[[Desk], Sequence[BaseRoute]]
    variables: Mapping[str, str] = field(default_factory=dict)
