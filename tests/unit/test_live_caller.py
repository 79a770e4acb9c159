import numpy as np
import pytest

from voice_agent.core.audio import PHONE, WIDEBAND, AudioFormat, encode
from voice_agent.simulation.handset import Heard
from voice_agent.simulation.live import MOST_FRAMES, LiveCaller


def a_frame(audio: AudioFormat, value: int) -> tuple[bytes, bytes]:
    samples = np.full(audio.rate // 50, value, np.int16)
    return samples.astype("<i2").tobytes(), encode(samples, audio.encoding)


@pytest.mark.parametrize("audio", [PHONE, WIDEBAND])
def test_the_microphone_is_heard_on_the_line_and_the_line_in_the_speaker(
    audio: AudioFormat,
) -> None:
    caller = LiveCaller(audio)
    spoken_pcm, spoken = a_frame(audio, 1052)
    heard_pcm, heard = a_frame(audio, -1052)
    assert caller.act(Heard(0.0, heard, voiced=True, coming=False)).frame is None
    speaker = bytearray(len(heard_pcm))
    caller.exchange(spoken_pcm, speaker)
    assert bytes(speaker) == heard_pcm
    assert caller.act(Heard(0.02, heard, voiced=True, coming=False)).frame == spoken


def test_the_speaker_is_silent_while_nothing_comes() -> None:
    speaker = bytearray(b"\x55" * 320)
    LiveCaller(PHONE).exchange(bytes(320), speaker)
    assert bytes(speaker) == bytes(320)


def test_a_stalled_side_keeps_only_the_newest_sound() -> None:
    caller = LiveCaller(PHONE)
    for n in range(50):
        caller.exchange(a_frame(PHONE, n * 500)[0], bytearray(320))
    frames = []
    while (act := caller.act(Heard(0.0, bytes(160), voiced=False, coming=False))).frame:
        frames.append(act.frame)
    assert len(frames) == MOST_FRAMES
    assert frames[-1] == a_frame(PHONE, 49 * 500)[1]
