"""Sound as the Realtime API takes it: mu-law of the telephone as it is, or 24 kHz PCM; pure."""

from base64 import b64decode, b64encode
from binascii import Error as BadBase64
from typing import Any, Final

from voice_agent.core.audio import PHONE, AudioFormat, Encoding, decode, encode
from voice_agent.core.resample import Resampler

PCM: Final = AudioFormat(Encoding.PCM16, 24_000)
"""The only rate of linear sound that the API knows."""


class WireSound:
    """Changes the format of one call's sound, both ways; resampling keeps its state."""

    def __init__(self, audio: AudioFormat) -> None:
        """`audio` is the format of our side."""
        self._ours = audio
        self.format = PHONE if audio == PHONE else PCM
        self._inward = Resampler(audio.rate, self.format.rate)
        self._item = ""
        self._outward = Resampler(self.format.rate, audio.rate)

    @property
    def description(self) -> dict[str, Any]:
        """The format in the API's words."""
        if self.format == PHONE:
            return {"type": "audio/pcmu"}
        return {"type": "audio/pcm", "rate": self.format.rate}

    def to_wire(self, data: bytes) -> str:
        """The caller's next sound."""
        if self._ours != self.format:
            samples = self._inward.process(decode(data, self._ours.encoding))
            data = encode(samples, self.format.encoding)
        return b64encode(data).decode("ascii")

    def from_wire(self, item: str, text: str) -> tuple[bytes, float]:
        """The next sound of an item, in our format, and its seconds.

        Raises:
            ValueError: that is no sound.
        """
        try:
            data = b64decode(text, validate=True)
        except BadBase64:
            raise ValueError("no base64") from None
        if len(data) % self.format.bytes_per_sample:
            raise ValueError("half a sample")
        seconds = self.format.seconds(data)
        if self._ours == self.format:
            return data, seconds
        if item != self._item:
            self._item, self._outward = item, Resampler(self.format.rate, self._ours.rate)
        samples = self._outward.process(decode(data, self.format.encoding))
        return encode(samples, self._ours.encoding), seconds
