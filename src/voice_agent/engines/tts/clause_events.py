"""What a hosted voice sends back for one clause, whichever vendor it is."""

from dataclasses import dataclass

from voice_agent.core.errors import ProviderError


@dataclass(frozen=True, slots=True)
class TimedText:
    """A letter or a word and where it sounds (s)."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Sound:
    """A piece of sound; cut anywhere, also inside a sample.

    `letters` are timed from the start of this very piece, or from the start of the clause
    where `from_clause_start`.
    """

    context: str
    data: bytes
    letters: tuple[TimedText, ...] = ()
    from_clause_start: bool = False


@dataclass(frozen=True, slots=True)
class WordTimes:
    """Words as the provider cuts them, timed from the start of the clause."""

    context: str
    words: tuple[TimedText, ...]


@dataclass(frozen=True, slots=True)
class Final:
    """Nothing more comes for the clause."""

    context: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The clause failed; without a context it is the whole socket that did."""

    context: str
    error: ProviderError


ClauseEvent = Sound | WordTimes | Final | Failed
