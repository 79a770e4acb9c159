"""The stamps of one turn; every latency we show is a difference of two of them.

```text
caller  ▁▁█████████▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁
                  │ hear │ decide │ think │ phrase │ speak │ send
                  │      │        │       │        │       └ on the wire
                  │      │        │       │        └ first sound
                  │      │        │       └ first clause
                  │      │        └ first token
                  │      └ turn decided    (`hear` ends with the final text)
                  └ speech end
```
"""

from dataclasses import dataclass, field
from enum import StrEnum


class Stamp(StrEnum):
    """A moment in a turn, in the order in which they usually come."""

    SPEECH_END = "speech_end"
    FINAL_TEXT = "final_text"
    TURN_DECIDED = "turn_decided"
    FIRST_TOKEN = "first_token"  # noqa: S105 - a moment, not a secret
    FIRST_CLAUSE = "first_clause"
    FIRST_SOUND = "first_sound"
    ON_THE_WIRE = "on_the_wire"


_STAGES = {
    Stamp.FINAL_TEXT: "hear",
    Stamp.TURN_DECIDED: "decide",
    Stamp.FIRST_TOKEN: "think",
    Stamp.FIRST_CLAUSE: "phrase",
    Stamp.FIRST_SOUND: "speak",
    Stamp.ON_THE_WIRE: "send",
}


@dataclass(slots=True)
class TurnTimeline:
    """Collects the first time each stamp is reached; moments are seconds on one clock."""

    stamps: dict[Stamp, float] = field(default_factory=dict)

    def reach(self, stamp: Stamp, at: float) -> None:
        """Note a stamp; only the first time counts."""
        self.stamps.setdefault(stamp, at)

    @property
    def complete(self) -> bool:
        """Whether the turn ran from speech to sound."""
        return Stamp.SPEECH_END in self.stamps and Stamp.ON_THE_WIRE in self.stamps

    @property
    def total_ms(self) -> float:
        """From the caller's last voiced sound to ours leaving, ms; 0 when incomplete."""
        if not self.complete:
            return 0.0
        return max(0.0, 1000 * (self.stamps[Stamp.ON_THE_WIRE] - self.stamps[Stamp.SPEECH_END]))

    def stages_ms(self) -> dict[str, float]:
        """Length of each stage in ms; they sum to `total_ms`. A skipped stage is 0."""
        if not self.complete:
            return {}
        stages: dict[str, float] = {}
        end = max(self.stamps[Stamp.ON_THE_WIRE], self.stamps[Stamp.SPEECH_END])
        last = self.stamps[Stamp.SPEECH_END]
        for stamp, stage in _STAGES.items():
            at = min(end, max(last, self.stamps.get(stamp, last)))
            stages[stage] = 1000 * (at - last)
            last = at
        return stages
