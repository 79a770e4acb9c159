"""Writes down what was heard on a track with a recogniser, apart from what a server claims."""

from collections.abc import Sequence
from typing import Final

import anyio
import anyio.lowlevel

from voice_agent.core.audio import AudioFormat, AudioFrame
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.core.mailbox import Mailbox
from voice_agent.core.ports import SpeechRecognizer
from voice_agent.core.speech import (
    RecognitionEvent,
    RecognitionFailed,
    RecognitionRequest,
    SpeechStarted,
    SpeechStopped,
    Transcript,
)

MARGIN: Final = 0.2
"""Seconds of sound given before and after each stretch of speech."""
FRAME: Final = 0.1
DECODED_WITHIN: Final = 30.0


async def transcribe(
    recognizer: SpeechRecognizer,
    track: bytes,
    audio: AudioFormat,
    speech: Sequence[tuple[float, float]],
) -> list[str]:
    """The text of each stretch of speech (seconds from, to) of a track.

    Raises:
        ProviderUnavailable: the recogniser failed or took longer than 30 s for one stretch.
    """
    events: Mailbox[RecognitionEvent] = Mailbox(1024)
    texts = []
    async with recognizer.open(RecognitionRequest(audio), events.put) as stream:
        for start, end in speech:
            stream.send(SpeechStarted(start))
            for frame in _frames(track, audio, start - MARGIN, end + MARGIN):
                stream.send(frame)
                await anyio.lowlevel.checkpoint()
            stream.send(SpeechStopped(end))
            texts.append(await _final_text(events))
    return texts


def _frames(track: bytes, audio: AudioFormat, start: float, end: float) -> list[AudioFrame]:
    step = audio.byte_count(FRAME)
    first = audio.byte_count(max(0.0, start))
    last = min(len(track), audio.byte_count(end))
    return [
        AudioFrame(track[at : min(at + step, last)], audio, at / audio.bytes_per_second)
        for at in range(first, last, step)
    ]


async def _final_text(events: Mailbox[RecognitionEvent]) -> str:
    try:
        with anyio.fail_after(DECODED_WITHIN):
            while True:
                event = await events.get()
                if isinstance(event, RecognitionFailed):
                    raise event.error
                if isinstance(event, Transcript) and event.final:
                    return event.text
    except TimeoutError:
        raise ProviderUnavailable("the recogniser gave no text in time", provider="stt") from None
