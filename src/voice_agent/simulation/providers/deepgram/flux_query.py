"""The query of `/v2/listen`, and the same bounds for a Configure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from voice_agent.core.audio import AudioFormat
from voice_agent.simulation.providers.deepgram import query
from voice_agent.simulation.providers.deepgram.refusals import BadQuery

MULTILINGUAL: Final = "flux-general-multi"
MODELS: Final = ("flux-general-en", MULTILINGUAL)
LANGUAGES: Final = frozenset(("en", "es", "fr", "de", "hi", "ru", "pt", "ja", "it", "nl"))
_RATES: Final = ("8000", "16000", "24000", "44100", "48000")
_BOUNDS: Final[Mapping[str, tuple[float, float]]] = {
    "eot_threshold": (0.5, 1.0),
    "eager_eot_threshold": (0.3, 0.9),
    "eot_timeout_ms": (500, 60_000),
}
_CHECKS: Final[Mapping[str, query.Check]] = {
    "model": query.one_of(MODELS),
    "encoding": query.one_of(("linear16", "linear32", "mulaw", "alaw", "opus", "ogg-opus")),
    "sample_rate": query.one_of(_RATES),
    "eot_threshold": query.between(*_BOUNDS["eot_threshold"]),
    "eager_eot_threshold": query.between(*_BOUNDS["eager_eot_threshold"]),
    "eot_timeout_ms": query.whole(500, 60_000),
    "keyterm": query.text(),
    "language_hint": query.one_of(LANGUAGES),
    "mip_opt_out": query.boolean,
    "numerals": query.boolean,
    "profanity_filter": query.boolean,
    "redact": query.one_of(("numbers", "aggressive_numbers")),
    "tag": query.text(128),
}
_REPEATABLE: Final = frozenset(("keyterm", "language_hint", "redact", "tag"))


class OutOfBounds(ValueError):
    """A Configure asks for what the vendor does not do."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a turn ends; `eager` None: no early guesses. `timeout` in seconds."""

    end: float = 0.7
    eager: float | None = None
    timeout: float = 5.0

    def changed(self, values: Mapping[str, Any]) -> "Thresholds":
        """With the values of a Configure; what is absent or null stays.

        Raises:
            OutOfBounds: a value is wrong or outside of its bounds.
        """
        given = {name: value for name, value in values.items() if value is not None}
        for name, value in given.items():
            _check_bounds(name, value)
        timeout = given.get("eot_timeout_ms")
        changed = replace(
            self,
            end=given.get("eot_threshold", self.end),
            eager=given.get("eager_eot_threshold", self.eager),
            timeout=self.timeout if timeout is None else timeout / 1000,
        )
        if changed.eager is not None and changed.eager > changed.end:
            raise OutOfBounds("eager_eot_threshold must not be above eot_threshold")
        return changed

    def as_json(self) -> dict[str, float]:
        """As the vendor writes them."""
        written = {"eot_threshold": self.end, "eot_timeout_ms": round(self.timeout * 1000)}
        return written if self.eager is None else {**written, "eager_eot_threshold": self.eager}


@dataclass(frozen=True, slots=True)
class FluxQuery:
    """What a connection was asked for; `audio` None: nothing that can be heard here."""

    model: str
    audio: AudioFormat | None
    thresholds: Thresholds
    keyterms: tuple[str, ...] = ()
    language_hints: tuple[str, ...] = ()


def read_query(pairs: Sequence[tuple[str, str]]) -> FluxQuery:
    """The query as the vendor understands it.

    Raises:
        BadQuery: it does not; the message says why.
    """
    values = query.collect(pairs, _CHECKS, _REPEATABLE)
    if "model" not in values:
        raise BadQuery("model is required")
    hints = tuple(values.get("language_hint", ()))
    if hints and values["model"] != [MULTILINGUAL]:
        raise BadQuery(f"language_hint needs {MULTILINGUAL}")
    given = {name: float(values[name][0]) for name in _BOUNDS if name in values}
    try:
        thresholds = Thresholds().changed(given)
    except OutOfBounds as error:
        raise BadQuery(str(error)) from None
    return FluxQuery(
        model=values["model"][0],
        audio=query.audio_format(values),
        thresholds=thresholds,
        keyterms=tuple(values.get("keyterm", ())),
        language_hints=hints,
    )


def _check_bounds(name: str, value: object) -> None:
    if name not in _BOUNDS:
        raise OutOfBounds(f"unknown threshold {name!r}")
    lowest, highest = _BOUNDS[name]
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not lowest <= float(str(value)) <= highest:
        raise OutOfBounds(f"{name} must be a number from {lowest:g} to {highest:g}")
