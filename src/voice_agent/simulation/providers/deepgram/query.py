"""Checking query parameters, one by one, as the vendor does at the handshake."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from voice_agent.core.audio import AudioFormat, Encoding
from voice_agent.simulation.providers.deepgram.refusals import BadQuery

Check = Callable[[str, str], object]
"""Takes a parameter's name and value and raises `BadQuery` when it is wrong."""

HEARD: Final = {"linear16": Encoding.PCM16, "mulaw": Encoding.MULAW}
"""The encodings that can be listened to here."""


def boolean(name: str, value: str) -> bool:
    """`true` or `false`, in lower case."""
    if value not in ("true", "false"):
        raise BadQuery(f"{name}: expected true or false, got {value!r}")
    return value == "true"


def between(lowest: float, highest: float) -> Check:
    """A number within bounds."""

    def check(name: str, value: str) -> float:
        number = _number(name, value)
        if not lowest <= number <= highest:
            raise BadQuery(f"{name}: must be between {lowest:g} and {highest:g}, got {value!r}")
        return number

    return check


def whole(lowest: int, highest: int) -> Check:
    """A whole number within bounds."""

    def check(name: str, value: str) -> int:
        if not value.isascii() or not value.isdigit() or not lowest <= int(value) <= highest:
            raise BadQuery(f"{name}: must be an integer from {lowest} to {highest}, got {value!r}")
        return int(value)

    return check


def one_of(allowed: Iterable[str]) -> Check:
    """One of a list."""
    known = frozenset(allowed)

    def check(name: str, value: str) -> str:
        if value not in known:
            raise BadQuery(f"{name}: unknown value {value!r}")
        return value

    return check


def text(longest: int = 2048) -> Check:
    """Any text that is not empty."""

    def check(name: str, value: str) -> str:
        if not value or len(value) > longest:
            raise BadQuery(f"{name}: must have 1 to {longest} characters")
        return value

    return check


def collect(
    pairs: Sequence[tuple[str, str]], checks: Mapping[str, Check], repeatable: frozenset[str]
) -> dict[str, list[str]]:
    """The values by name.

    Raises:
        BadQuery: a parameter is unknown, wrong, or given twice without being a list.
    """
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in checks:
            raise BadQuery(f"unknown query parameter {name!r}")
        checks[name](name, value)
        values.setdefault(name, []).append(value)
    for name, given in values.items():
        if len(given) > 1 and name not in repeatable:
            raise BadQuery(f"{name}: given more than once")
    return values


def audio_format(values: Mapping[str, Sequence[str]]) -> AudioFormat | None:
    """What the audio is, None for a container or an encoding that cannot be heard here.

    Raises:
        BadQuery: encoding without sample_rate, or the other way round.
    """
    if ("encoding" in values) != ("sample_rate" in values):
        raise BadQuery("raw audio needs both encoding and sample_rate; containers need neither")
    if "encoding" not in values or values["encoding"][0] not in HEARD:
        return None
    return AudioFormat(HEARD[values["encoding"][0]], int(values["sample_rate"][0]))


def _number(name: str, value: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise BadQuery(f"{name}: not a number: {value!r}") from None
