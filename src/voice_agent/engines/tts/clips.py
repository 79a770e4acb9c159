"""Spoken clauses that are kept: a value, its file, and a bounded memory of them."""

import hashlib
import os
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import astuple, dataclass
from itertools import count
from pathlib import Path
from typing import Final

import orjson

from voice_agent.core.speech import SpeechRequest, SpokenAudio, SpokenWord

SUFFIX: Final = ".clip"
_PART: Final = ".part"
_MAGIC: Final = b"VACLIP1\n"
_DIGEST: Final = 32
_LENGTH: Final = 4
_WORD_BYTES: Final = 120
"""What a word takes in memory, roughly."""
_numbers = count()


@dataclass(frozen=True, slots=True)
class Clip:
    """The sound and words of one whole clause, in the order in which they came."""

    events: tuple[SpokenAudio | SpokenWord, ...]

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return sum(
            len(event.data) if isinstance(event, SpokenAudio) else _WORD_BYTES
            for event in self.events
        )

    @property
    def audible(self) -> bool:
        """Whether there is any sound in it."""
        return any(isinstance(event, SpokenAudio) and event.data for event in self.events)


def key_of(engine: str, request: SpeechRequest) -> str:
    """The same for requests that sound the same; it does not tell what they say."""
    audio = request.format
    facts = [
        engine,
        request.text,
        request.markup,
        request.voice,
        request.rate,
        request.emotion,
        [audio.encoding, audio.rate],
        request.language,
    ]
    return hashlib.sha256(orjson.dumps([_safe(fact) for fact in facts])).hexdigest()


def _safe(fact: object) -> object:
    return fact.encode("utf-8", "surrogatepass").hex() if isinstance(fact, str) else fact


def encode(clip: Clip) -> bytes:
    """The clip as the content of a file."""
    header = orjson.dumps(
        [
            len(event.data) if isinstance(event, SpokenAudio) else astuple(event)
            for event in clip.events
        ]
    )
    audio = b"".join(event.data for event in clip.events if isinstance(event, SpokenAudio))
    body = len(header).to_bytes(_LENGTH, "big") + header + audio
    return _MAGIC + hashlib.sha256(body).digest() + body


def decode(data: bytes) -> Clip | None:
    """The clip in a file's content; None where it is damaged."""
    start = len(_MAGIC) + _DIGEST
    digest, body = data[len(_MAGIC) : start], data[start:]
    if not data.startswith(_MAGIC) or hashlib.sha256(body).digest() != digest:
        return None
    end = _LENGTH + int.from_bytes(body[:_LENGTH], "big")
    try:
        return Clip(tuple(_events(orjson.loads(body[_LENGTH:end]), body[end:])))
    except (ValueError, TypeError):
        return None


def _events(
    header: list[int | list[str | float]], audio: bytes
) -> Iterator[SpokenAudio | SpokenWord]:
    position = 0
    for item in header:
        if isinstance(item, int):
            yield SpokenAudio(audio[position : position + item])
            position += item
        else:
            text, start, end = item
            yield SpokenWord(str(text), float(start), float(end))


class ClipMemory:
    """Clips in memory, at most so many bytes; the one not asked for longest goes first."""

    def __init__(self, limit: int) -> None:
        """`limit` in bytes."""
        self._limit = limit
        self._clips: OrderedDict[str, Clip] = OrderedDict()
        self.size = 0
        self.evictions = 0

    def get(self, key: str) -> Clip | None:
        """The clip, which counts as asked for."""
        if key in self._clips:
            self._clips.move_to_end(key)
        return self._clips.get(key)

    def put(self, key: str, clip: Clip) -> None:
        """Keep a clip, unless it would take most of the room."""
        if key in self._clips or clip.size > self._limit // 2:
            return
        self._clips[key] = clip
        self.size += clip.size
        while self.size > self._limit:
            _, oldest = self._clips.popitem(last=False)
            self.size -= oldest.size
            self.evictions += 1


def scan(folder: Path) -> list[tuple[str, int]]:
    """Keys and bytes of the clips in a folder, oldest first; makes the folder. Blocks.

    Raises:
        OSError: the folder cannot be used.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found: list[tuple[float, str, int]] = []
    for path in folder.iterdir():
        with suppress(FileNotFoundError):
            status = path.stat()
            if path.suffix == SUFFIX:
                found.append((status.st_mtime, path.stem, status.st_size))
            elif path.suffix == _PART:
                path.unlink()
    return [(key, size) for _, key, size in sorted(found)]


def read(folder: Path, key: str) -> Clip | None:
    """A clip from its file, which counts as used; a damaged file is deleted. Blocks."""
    path = folder / f"{key}{SUFFIX}"
    try:
        clip = decode(path.read_bytes())
        if clip is None:
            path.unlink(missing_ok=True)
        else:
            os.utime(path)
    except OSError:
        return None
    return clip


def write(folder: Path, key: str, data: bytes) -> None:
    """Write a file whole or not at all. Blocks.

    Raises:
        OSError: it could not be written.
    """
    part = folder / f"{key}.{os.getpid()}.{next(_numbers)}{_PART}"
    try:
        part.write_bytes(data)
        part.replace(folder / f"{key}{SUFFIX}")
    finally:
        part.unlink(missing_ok=True)


def delete(folder: Path, key: str) -> None:
    """Delete a clip's file. Blocks."""
    with suppress(OSError):
        (folder / f"{key}{SUFFIX}").unlink(missing_ok=True)
