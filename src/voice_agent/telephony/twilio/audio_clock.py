"""The caller's audio clock, kept true to Twilio's timestamps as far as they can be believed.

`AudioFrame.start` follows Twilio's millisecond timestamps, never goes back, and runs on by the
length of the sound where timestamps wobble. A jump ahead is a gap (counted, the clock follows).
Sound for a time already passed is late or doubled (counted, dropped), unless its chunk number
says that it is new. A timestamp beyond `MAX_GAP_MS` is not believed. When `RESYNC_AFTER` frames
in a row do not fit, the sender's clock was restarted: ours is tied to it anew, so that a broken
sender is not unheard for ever.
"""

from dataclasses import dataclass
from typing import Final

from voice_agent.core.audio import PHONE

WOBBLE_MS: Final = 15
"""Timestamps this close to the expected one are taken as continuous: under one 20 ms frame."""
MAX_GAP_MS: Final = 30_000
"""A longer jump ahead is a broken timestamp, not missing sound."""
RESYNC_AFTER: Final = 25
"""Ill-fitting frames in a row (half a second) after which the sender's clock is believed."""

_SAMPLES_PER_MS: Final = PHONE.rate // 1000


@dataclass(slots=True)
class MediaCounts:
    """What came in and was not plain sound, since the stream began."""

    malformed: int = 0
    ignored: int = 0
    wrong_stream: int = 0
    gaps: int = 0
    late: int = 0
    resyncs: int = 0


@dataclass(slots=True)
class AudioClock:
    """Places frames in time by Twilio's timestamps (ms) and chunk numbers, in samples."""

    counts: MediaCounts
    next: int = 0
    offset: int = 0
    chunk: int = 0
    misfits: int = 0

    def place(self, timestamp_ms: int, chunk: int, samples: int) -> float | None:
        """Where the sound starts (s), or None when it is late or doubled."""
        ahead = timestamp_ms * _SAMPLES_PER_MS + self.offset - self.next
        start = self.next
        if abs(ahead) <= WOBBLE_MS * _SAMPLES_PER_MS:
            self.misfits = 0
        elif 0 < ahead <= MAX_GAP_MS * _SAMPLES_PER_MS:
            self.misfits = 0
            self.counts.gaps += 1
            start += ahead
        elif not self._misfit(ahead, chunk):
            return None
        self.chunk = chunk
        self.next = start + samples
        return start / PHONE.rate

    def _misfit(self, ahead: int, chunk: int) -> bool:
        """Whether sound with an unbelievable timestamp is still to be taken, as the next."""
        self.misfits += 1
        if self.misfits >= RESYNC_AFTER:
            self.counts.resyncs += 1
            self.misfits = 0
            self.offset -= ahead
            return True
        if ahead > 0 or chunk > self.chunk:
            return True
        self.counts.late += 1
        return False
