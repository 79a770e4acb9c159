"""Turns a plan into sound: texts through the project's own synthesisers, files as they are."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import anyio

from voice_agent.core.audio import AudioFormat, encode
from voice_agent.core.errors import ConfigurationError, ProviderUnavailable
from voice_agent.core.ports import SpeechSynthesizer
from voice_agent.core.speech import SpeechRequest, SpokenAudio
from voice_agent.engines.registry import Kind
from voice_agent.engines.selection import ChosenEngine, choose_engine
from voice_agent.simulation.caller import HangUp, Press, Step, Utter, Wait
from voice_agent.simulation.script_file import Plan, PlayFile, SayText
from voice_agent.simulation.wav import read_wav

PREFERRED: Final = {"flite": "rms", "espeak": "en-us+f2"}
"""Synthesisers for a caller, best first, each with the voice that is best understood by phone."""
LONGEST_SYNTHESIS: Final = 60.0
LARGEST_FILE: Final = 256 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Sounded:
    """Steps with their sound, and which synthesiser spoke (empty: none was needed)."""

    steps: list[Step]
    synthesizer: str = ""


async def make_steps(plan: Plan, audio: AudioFormat) -> Sounded:
    """The plan's steps with their sound in the line's format.

    Raises:
        ConfigurationError: a recording cannot be read or there is no such voice engine.
        ProviderError: the synthesiser failed.
    """
    if not any(isinstance(step, SayText) for step in plan.steps):
        return Sounded([await _sounded(step, audio, None, "") for step in plan.steps])
    async with AsyncExitStack() as stack:
        chosen = await start_engine(Kind.TTS, tuple(PREFERRED), stack)
        voice = plan.voice or PREFERRED[chosen.name]
        steps = [await _sounded(step, audio, chosen.engine, voice) for step in plan.steps]
        return Sounded(steps, chosen.name)


@asynccontextmanager
async def open_synthesizer() -> AsyncIterator[SpeechSynthesizer]:
    """The best embedded synthesiser that works here.

    Raises:
        ProviderUnavailable: none works; the message gives each one's next step.
    """
    async with AsyncExitStack() as stack:
        yield (await start_engine(Kind.TTS, tuple(PREFERRED), stack)).engine


async def start_engine(kind: Kind, names: Sequence[str], stack: AsyncExitStack) -> ChosenEngine:
    """The first of these engines that is usable here, started within `stack`.

    Raises:
        ProviderUnavailable: none works; the message gives each one's next step.
    """
    try:
        return await choose_engine(kind, names, lambda _: {}, stack)
    except ConfigurationError as error:
        raise ProviderUnavailable(str(error), provider=str(kind)) from None


async def _sounded(
    step: SayText | PlayFile | Press | Wait | HangUp,
    audio: AudioFormat,
    synthesizer: SpeechSynthesizer | None,
    voice: str,
) -> Step:
    match step:
        case SayText(text, after) if synthesizer:
            return Utter(await speak(synthesizer, text, audio, voice), text, after)
        case PlayFile(path, after):
            return Utter(await load(path, audio), "", after)
        case Press() | Wait() | HangUp():
            return step
    raise ConfigurationError("a text to say needs a synthesiser")


async def speak(synthesizer: SpeechSynthesizer, text: str, audio: AudioFormat, voice: str) -> bytes:
    """A text as sound in the line's format."""
    parts = []
    with anyio.fail_after(LONGEST_SYNTHESIS):
        async with aclosing(_generator(synthesizer, SpeechRequest(text, audio, voice))) as events:
            parts = [event.data async for event in events if isinstance(event, SpokenAudio)]
    if not (sound := b"".join(parts)):
        raise ProviderUnavailable(f"the synthesiser made no sound of {text!r:.60}", provider="tts")
    return sound


async def _generator(synthesizer: SpeechSynthesizer, request: SpeechRequest) -> Any:
    async for event in synthesizer.stream(request):
        yield event


async def load(path: Path, audio: AudioFormat) -> bytes:
    """A WAV file as sound in the line's format.

    Raises:
        ConfigurationError: it cannot be read; the message names the file.
    """
    try:
        if (await anyio.Path(path).stat()).st_size > LARGEST_FILE:
            raise ConfigurationError(f"{path} is larger than {LARGEST_FILE >> 20} MiB")
        data = await anyio.Path(path).read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}") from None
    try:
        return await anyio.to_thread.run_sync(lambda: _converted(data, audio))
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def _converted(data: bytes, audio: AudioFormat) -> bytes:
    return encode(read_wav(data).at(audio.rate), audio.encoding)
