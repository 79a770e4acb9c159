"""Callers with the project's own engines."""

from pathlib import Path

import pytest

from support.echo_agent import tone
from voice_agent.core.audio import PHONE, WIDEBAND, AudioFormat, decode
from voice_agent.core.errors import ConfigurationError, ProviderError
from voice_agent.engines.registry import Kind, find
from voice_agent.engines.stt.scripted import ScriptedRecognizer, ScriptedRecognizerOptions
from voice_agent.simulation.caller import HangUp, Press, Utter, Wait
from voice_agent.simulation.script_file import Plan, PlayFile, SayText
from voice_agent.simulation.transcribe import transcribe
from voice_agent.simulation.voices import make_steps, speak
from voice_agent.simulation.voicing import voiced_segments
from voice_agent.simulation.wav import write_wav

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("audio", [PHONE, WIDEBAND])
async def test_texts_and_recordings_become_sound_of_the_line(
    audio: AudioFormat, tmp_path: Path
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(write_wav([decode(tone(0.5), PHONE.encoding)], 8000))
    plan = Plan([SayText("one two", 0.5), PlayFile(path), Press("1"), Wait(1.0), HangUp()])
    spoken, played, *others = (await make_steps(plan, audio)).steps
    assert others == [Press("1"), Wait(1.0), HangUp()]
    assert isinstance(spoken, Utter)
    assert (spoken.text, spoken.after) == ("one two", 0.5)
    assert voiced_segments(decode(spoken.sound, audio.encoding), audio.rate)
    assert isinstance(played, Utter)
    assert audio.seconds(played.sound) == pytest.approx(0.5, abs=0.01)


async def test_a_recording_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"no sound")
    for name in ("bad.wav", "missing.wav"):
        with pytest.raises(ConfigurationError, match=name):
            await make_steps(Plan([PlayFile(tmp_path / name)]), PHONE)


async def test_a_text_that_makes_no_sound_is_an_error() -> None:
    scripted = find(Kind.TTS, "scripted")
    engine = scripted.build(scripted.options())
    with pytest.raises(ProviderError):
        await speak(engine, "", PHONE, "")


async def test_each_stretch_of_speech_gets_its_text() -> None:
    options = ScriptedRecognizerOptions.model_validate({"texts": ("hello", "goodbye")})
    track = tone(3.0)
    texts = await transcribe(ScriptedRecognizer(options), track, PHONE, [(0.1, 1.0), (2.0, 2.9)])
    assert texts == ["hello", "goodbye"]


async def test_nothing_is_written_down_of_a_silent_agent() -> None:
    options = ScriptedRecognizerOptions.model_validate({})
    assert await transcribe(ScriptedRecognizer(options), b"", PHONE, []) == []
