"""Sound for simulated providers that hear: words that are tones, and silence."""

from voice_agent.core.audio import PHONE, AudioFormat
from voice_agent.engines.tts.scripted import tone


def speech(seconds: float, audio: AudioFormat = PHONE) -> bytes:
    """Something loud; the last tenth of it is silent."""
    return tone(round(seconds * audio.rate), audio)


def utterance(words: int, audio: AudioFormat = PHONE) -> bytes:
    """Words of a quarter of a second, each with a gap as short as those inside of speech."""
    return (tone(round(0.17 * audio.rate), audio) + audio.silence(0.08)) * words


def silence(seconds: float, audio: AudioFormat = PHONE) -> bytes:
    """Digital silence."""
    return audio.silence(seconds)
