"""What Cartesia sends while it speaks, as values."""

from base64 import b64encode
from collections.abc import Iterator, Sequence
from typing import Any

from voice_agent.core.speech import SpokenWord

Event = dict[str, Any]


def chunk(data: bytes, step_time: float, flush_id: int | None = None) -> Event:
    """Sound; `step_time` in ms."""
    event = _event("chunk", data=b64encode(data).decode(), step_time=step_time)
    return event if flush_id is None else event | {"flush_id": flush_id}


def timestamps(words: Sequence[SpokenWord]) -> Event:
    """Words with seconds from the context's start."""
    return _event(
        "timestamps",
        word_timestamps={
            "words": [word.text for word in words],
            "start": [round(word.start, 3) for word in words],
            "end": [round(word.end, 3) for word in words],
        },
    )


def phonemes(words: Sequence[SpokenWord]) -> Event:
    """The same for sounds; letters stand in for them."""
    sounds = [sound for word in words for sound in _letters(word)]
    return _event(
        "phoneme_timestamps",
        phoneme_timestamps={
            "phonemes": [sound.text for sound in sounds],
            "start": [round(sound.start, 3) for sound in sounds],
            "end": [round(sound.end, 3) for sound in sounds],
        },
    )


def flush_done(flush_id: int) -> Event:
    """Everything up to a flush was spoken."""
    return _event("flush_done", flush_done=True, flush_id=flush_id)


def done(status: int) -> Event:
    """Nothing more comes."""
    return {"type": "done", "status_code": status, "done": True}


def _event(kind: str, **fields: Any) -> Event:
    return {"type": kind, "status_code": 206, "done": False, **fields}


def _letters(word: SpokenWord) -> Iterator[SpokenWord]:
    letters = [letter.lower() for letter in word.text if letter.isalnum()]
    each = (word.end - word.start) / max(1, len(letters))
    for n, letter in enumerate(letters):
        yield SpokenWord(letter, word.start + n * each, word.start + (n + 1) * each)
