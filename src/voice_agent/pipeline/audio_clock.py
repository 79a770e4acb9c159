"""Places moments of the caller's sound on the call's clock."""


class AudioClock:
    """Learns the offset between audio time and the clock from frames as they arrive.

    A frame cannot arrive before it was spoken, so the earliest arrival seen is the best
    estimate: bursts and late frames never move a moment into the future.
    """

    def __init__(self) -> None:
        self._offset: float | None = None

    def frame_arrived(self, audio_end: float, at: float) -> None:
        """A frame whose last sample is at `audio_end` seconds of sound arrived at `at`."""
        offset = at - audio_end
        if self._offset is None or offset < self._offset:
            self._offset = offset

    def moment(self, audio: float) -> float:
        """When the sound at `audio` seconds was made, on the call's clock."""
        return audio + (self._offset or 0.0)
