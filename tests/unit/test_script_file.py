from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.errors import ConfigurationError
from voice_agent.simulation.caller import HangUp, Manners, Press, Wait
from voice_agent.simulation.script_file import PlayFile, SayText, read_script

HERE = Path("/calls")


def test_every_kind_of_step_is_read() -> None:
    plan = read_script(
        """
        voice = "slt"
        patience = 0.8
        stay = true
        [[step]]
        say = "where is my order"
        [[step]]
        wav = "stop.wav"
        barge_in_after = 1
        [[step]]
        wait = 2.5
        [[step]]
        key = "12#"
        [[step]]
        barge_in_after = 0.5
        [[step]]
        hang_up = true
        """,
        HERE,
    )
    assert plan.steps == [
        SayText("where is my order"),
        PlayFile(HERE / "stop.wav", 1.0),
        Wait(2.5),
        Press("12#"),
        HangUp(0.5),
    ]
    assert plan.voice == "slt"
    assert plan.manners == Manners(patience=0.8, stay=True)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no \\[\\[step\\]\\]"),
        ("step = 3", "no \\[\\[step\\]\\]"),
        ("step = [1]", "step 1"),
        ("[[step]", "no TOML"),
        ("voice = 1\n[[step]]\nwait = 1", "voice"),
        ("patience = -1\n[[step]]\nwait = 1", "patience must be a number"),
        ("stay = 1\n[[step]]\nwait = 1", "stay must be true or false"),
        ("speed = 1\n[[step]]\nwait = 1", "unknown setting 'speed'"),
        ("[[step]]", "step 1"),
        ("[[step]]\nsay = ' '", "step 1"),
        ("[[step]]\nsay = 'a'\nwav = 'b'", "step 1"),
        ("[[step]]\nwait = true", "step 1"),
        ("[[step]]\nwait = nan", "step 1"),
        ("[[step]]\nkey = '1x'", "step 1"),
        ("[[step]]\nhang_up = false", "step 1"),
        ("[[step]]\nsay = 'a'\nbarge_in_after = 'b'", "barge_in_after"),
        ("[[step]]\nsay = 'a'\n[[step]]\nbarge_in_after = 1", "belongs to no step"),
    ],
)
def test_a_wrong_script_is_explained(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read_script(text, HERE)


@given(st.text(max_size=200))
def test_no_text_is_too_odd(text: str) -> None:
    with pytest.raises(ConfigurationError):
        read_script(text, HERE)
