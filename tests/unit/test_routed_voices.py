"""The router chooses among hosted voices; a reply keeps its voice; embedded ones stand in."""

import pytest

from voice_agent.core.audio import PHONE
from voice_agent.core.errors import ProviderMisconfigured
from voice_agent.core.ports import SpeechSynthesizer
from voice_agent.core.speech import SpeechRequest
from voice_agent.engines.resilience.candidates import Candidate, Candidates
from voice_agent.engines.resilience.routed_voices import RoutedVoices
from voice_agent.engines.tts.router import Mode, TTSRouter
from voice_agent.engines.tts.scripted import ScriptedSynthesizer


class StandingClock:
    def now(self) -> float:
        return 0.0


TRAITS = {
    "fine": {"quality": 0.9, "first_sound_ms": 400.0, "usd_per_1000_characters": 0.04},
    "quick": {"quality": 0.7, "first_sound_ms": 90.0, "usd_per_1000_characters": 0.03},
    "own": {"quality": 0.2, "first_sound_ms": 30.0, "usd_per_1000_characters": 0.0},
}


def routed(mode: Mode) -> tuple[RoutedVoices, Candidates[SpeechSynthesizer]]:
    voices = [
        Candidate[SpeechSynthesizer](name, ScriptedSynthesizer(), embedded=name == "own")
        for name in TRAITS
    ]
    candidates = Candidates("tts", voices, StandingClock())  # type: ignore[arg-type]
    return RoutedVoices(candidates, TRAITS, TTSRouter(mode)), candidates


@pytest.mark.parametrize(
    ("mode", "order"),
    [
        (Mode.QUALITY, ["fine", "quick", "own"]),
        (Mode.SPEED, ["quick", "fine", "own"]),
        (Mode.AUTO, ["quick", "fine", "own"]),
        (Mode.COST, ["own", "quick", "fine"]),
    ],
)
def test_each_mode_begins_with_its_own_voice(mode: Mode, order: list[str]) -> None:
    voices, _ = routed(mode)
    assert list(voices.order(SpeechRequest("good morning to you", PHONE))) == order


def test_a_reply_keeps_the_voice_that_began_it() -> None:
    voices, _ = routed(Mode.SPEED)
    first = SpeechRequest("good morning", PHONE, reply="1")
    voices.sounded(first, "fine", 0.4)
    assert voices.order(SpeechRequest("how are you", PHONE, reply="1"))[0] == "fine"
    assert voices.order(SpeechRequest("how are you", PHONE, reply="2"))[0] == "quick"


def test_a_reply_that_went_over_to_an_embedded_voice_stays_with_it() -> None:
    voices, _ = routed(Mode.QUALITY)
    voices.sounded(SpeechRequest("good morning", PHONE, reply="1"), "own", 0.03)
    assert voices.order(SpeechRequest("how are you", PHONE, reply="1"))[0] == "own"


def test_a_blocked_voice_comes_after_those_that_work() -> None:
    voices, candidates = routed(Mode.QUALITY)
    fine = next(iter(candidates))
    fine.breaker.failed(ProviderMisconfigured("wrong key", provider="fine"), 0.0)
    assert next(iter(voices.order(SpeechRequest("hello", PHONE)))) == "quick"
