"""What an engine was paid for, in the units of its price list."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a price is for.

    The units of one report do not overlap: cached tokens are not counted as input tokens too.
    """

    INPUT_TOKENS = "input_tokens"
    CACHED_TOKENS = "cached_tokens"
    CACHE_WRITE_TOKENS = "cache_write_tokens"
    OUTPUT_TOKENS = "output_tokens"
    """Hidden reasoning included."""
    INPUT_AUDIO_TOKENS = "input_audio_tokens"
    CACHED_AUDIO_TOKENS = "cached_audio_tokens"
    OUTPUT_AUDIO_TOKENS = "output_audio_tokens"
    CHARACTERS = "characters"
    SECONDS = "seconds"


@dataclass(frozen=True, slots=True)
class Usage:
    """One piece of paid work; `estimated` where the provider's own figures never came."""

    provider: str
    model: str
    amounts: Mapping[Unit, float]
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class EngineSwitched:
    """Another engine of the configured order took over; `code` is of the error tree."""

    kind: str
    failed: str
    successor: str
    code: str
