"""The voices of an account: what there is, and new ones from a sample."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from voice_agent.core.errors import ProviderMisconfigured, ProviderRejected

SMALLEST_SAMPLE: Final = 4_000
"""Bytes; half a second of telephone sound."""
LARGEST_SAMPLE: Final = 10 * 2**20
"""Bytes; both vendors take at most about ten megabytes."""
MOST_NAMED: Final = 20
"""Voices that a message lists."""


@dataclass(frozen=True, slots=True)
class VoiceInfo:
    """A voice that can be asked for by its `id`; `language` is "" where it has none of its own."""

    id: str
    name: str
    language: str = ""
    description: str = ""
    own: bool = False
    """Made from a sample in this account."""


@runtime_checkable
class VoiceCatalogue(Protocol):
    """An engine whose voices can be listed and added to."""

    async def voices(self) -> list[VoiceInfo]:
        """Every voice that this account can use; raises `ProviderError`."""
        ...

    async def clone_voice(
        self, name: str, sample: bytes, language: str, description: str = ""
    ) -> str:
        """A new voice from a recording (a whole audio file); returns its id.

        Raises:
            ProviderError: the sample is of no use (`ProviderRejected`, nothing was sent), or
                the provider refused.
        """
        ...


def about_voice(
    error: ProviderMisconfigured, voice: str, known: Sequence[VoiceInfo]
) -> ProviderMisconfigured:
    """The error of a look-up, or if the voice is not among those known, one that lists them."""
    if any(found.id == voice for found in known):
        return error
    names = ", ".join(f"{found.name} ({found.id})" for found in known[:MOST_NAMED])
    return ProviderMisconfigured(
        f"there is no voice {voice!r}; this account has: {names or 'none'}",
        provider=error.provider,
    )


@dataclass(frozen=True, slots=True)
class SampleType:
    """What kind of audio file a sample is."""

    name: str
    media_type: str


_SIGNATURES: Final[tuple[tuple[SampleType, Callable[[bytes], bool]], ...]] = (
    (SampleType("wav", "audio/wav"), lambda d: d[:4] == b"RIFF" and d[8:12] == b"WAVE"),
    (
        SampleType("mp3", "audio/mpeg"),
        lambda d: d[:3] == b"ID3" or (d[0] == 0xFF and d[1] & 0xE6 == 0xE2),
    ),
    (SampleType("flac", "audio/flac"), lambda d: d[:4] == b"fLaC"),
    (SampleType("ogg", "audio/ogg"), lambda d: d[:4] == b"OggS"),
    (SampleType("webm", "audio/webm"), lambda d: d[:4] == b"\x1a\x45\xdf\xa3"),
    (SampleType("m4a", "audio/mp4"), lambda d: d[4:8] == b"ftyp"),
)


def sample_type(sample: bytes, provider: str) -> SampleType:
    """What kind of file the sample is, by its first bytes.

    Raises:
        ProviderRejected: it is too small, too large or no audio file.
    """
    if not SMALLEST_SAMPLE <= len(sample) <= LARGEST_SAMPLE:
        raise ProviderRejected(
            f"a voice sample has {SMALLEST_SAMPLE} to {LARGEST_SAMPLE} bytes, "
            f"this one {len(sample)}",
            provider=provider,
        )
    for kind, fits in _SIGNATURES:
        if fits(sample):
            return kind
    kinds = ", ".join(kind.name for kind, _ in _SIGNATURES)
    raise ProviderRejected(f"a voice sample is a file of {kinds}", provider=provider)
