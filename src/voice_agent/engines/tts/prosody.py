"""How the agent answers a mood: not with the caller's, but with the one that helps.

Plain data. What a voice can do of it, and by which setting, is each provider's own business.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from voice_agent.core.speech import Emotion


class Manner(StrEnum):
    """The manner of speaking, for voices that are told in one word."""

    PLAIN = "plain"
    CALM = "calm"
    """Unhurried, understanding."""
    GENTLE = "gentle"
    """Soft and warm."""
    BRIGHT = "bright"
    """Cheerful."""
    LEVEL = "level"
    """Matter-of-fact: neither cheerful nor hurt."""
    CLEAR = "clear"
    """Word by word."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A way of speaking: factors of the voice's own, and how lively it may be.

    `liveliness` is from 0 (even) to 1 (animated); 0.5 is the voice as it is.
    """

    manner: Manner = Manner.PLAIN
    rate: float = 1.0
    pitch: float = 1.0
    volume: float = 1.0
    liveliness: float = 0.5


DELIVERIES: Final[Mapping[Emotion, Delivery]] = MappingProxyType(
    {
        Emotion.NEUTRAL: Delivery(),
        Emotion.HAPPY: Delivery(Manner.BRIGHT, rate=1.03, pitch=1.03, liveliness=0.7),
        Emotion.FRUSTRATED: Delivery(Manner.CALM, rate=0.93, pitch=0.98, liveliness=0.4),
        Emotion.SAD: Delivery(Manner.GENTLE, rate=0.92, pitch=0.97, volume=0.9, liveliness=0.35),
        Emotion.ANGRY: Delivery(Manner.LEVEL, rate=0.95, pitch=0.97, liveliness=0.25),
        Emotion.CONFUSED: Delivery(Manner.CLEAR, rate=0.88, liveliness=0.45),
    }
)
"""By the caller's mood."""


def delivery(emotion: Emotion) -> Delivery:
    """How to speak to a caller in this mood."""
    return DELIVERIES[emotion]
