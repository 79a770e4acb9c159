"""What Deepgram is told in the address, what waits for the socket, and how fast it goes."""

from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from voice_agent.core.audio import PHONE, WIDEBAND, AudioFrame
from voice_agent.core.errors import ConfigurationError
from voice_agent.core.speech import RecognitionRequest
from voice_agent.engines.registry import read_options
from voice_agent.engines.stt.deepgram import PROVIDER
from voice_agent.engines.stt.deepgram.options import (
    DeepgramOptions,
    key_terms,
    keywords,
    socket_url,
)
from voice_agent.engines.stt.deepgram.outbox import Outbox, Pace

pytestmark = pytest.mark.anyio


def query(request: RecognitionRequest | None = None, **options: Any) -> dict[str, list[str]]:
    url = socket_url(DeepgramOptions(**options), request or RecognitionRequest(PHONE))
    return parse_qs(urlsplit(url).query, keep_blank_values=True)


def test_the_defaults_are_those_of_a_telephone_agent() -> None:
    assert query() == {
        "model": ["nova-2"],
        "encoding": ["mulaw"],
        "sample_rate": ["8000"],
        "channels": ["1"],
        "language": ["en"],
        "interim_results": ["true"],
        "vad_events": ["true"],
        "endpointing": ["800"],
        "utterance_end_ms": ["1000"],
        "smart_format": ["true"],
        "punctuate": ["true"],
        "filler_words": ["true"],
        "no_delay": ["true"],
    }


def test_raw_sound_is_named_by_encoding_and_sample_rate_both() -> None:
    told = query(RecognitionRequest(WIDEBAND, language="de"))
    assert (told["encoding"], told["sample_rate"]) == (["linear16"], ["16000"])
    assert told["language"] == ["de"]


def test_booleans_are_lower_case() -> None:
    assert query(smart_format=False)["smart_format"] == ["false"]


def test_nova_2_gets_single_keywords_with_a_weight_and_no_key_terms() -> None:
    request = RecognitionRequest(PHONE, phrases=("Blue Widget", "AC-200", "of"))
    told = query(request, phrases=("widget:s", "Blue"))
    assert told["keywords"] == ["Blue:1.5", "Widget:1.5", "AC-200:1.5", "widget:1.5"]
    assert "keyterm" not in told


@pytest.mark.parametrize("model", ["nova-3", "nova-3-medical", "flux-general-en"])
def test_later_models_get_whole_key_terms_without_weights_and_no_keywords(model: str) -> None:
    request = RecognitionRequest(PHONE, phrases=("Blue  Widget", "Blue Widget", ""))
    told = query(request, model=model, phrases=("a & b",))
    assert told["keyterm"] == ["Blue Widget", "a & b"]
    assert "keywords" not in told


@given(st.lists(st.text(min_size=1)))
def test_terms_are_cut_to_the_budget_and_never_refused(terms: list[str]) -> None:
    assert sum(-(-len(term) // 4) for term in key_terms(terms)) <= 500
    assert len(key_terms(terms)) <= 100
    words = keywords(terms, 1.5)
    assert len(words) <= 100
    assert all(word.count(":") == 1 and not any(map(str.isspace, word)) for word in words)


def test_a_thousand_terms_are_cut_to_a_hundred() -> None:
    terms = [f"word{n}" for n in range(1000)]
    assert len(keywords(terms, 2)) == 100
    assert len(key_terms(terms)) == 100


def test_flux_speaks_to_v2_with_none_of_the_v1_parameters() -> None:
    url = socket_url(DeepgramOptions(model="flux-general-en"), RecognitionRequest(PHONE))
    assert url.startswith("wss://api.deepgram.com/v2/listen?")
    assert {name for name, _ in parse_qsl(urlsplit(url).query)} == {
        *("model", "encoding", "sample_rate", "eot_threshold", "eot_timeout_ms")
    }


def test_eager_ends_are_asked_for_by_their_threshold() -> None:
    assert query(model="flux-general-en", eager_eot_threshold=0.4)["eager_eot_threshold"] == ["0.4"]


def test_the_multilingual_flux_is_told_the_language_where_it_knows_it() -> None:
    def hint(language: str, model: str = "flux-general-multi") -> list[str]:
        told = query(RecognitionRequest(PHONE, language=language), model=model)
        return told.get("language_hint", [])

    assert hint("de-DE") == ["de"]
    assert hint("sv") == []
    assert hint("de", "flux-general-en") == []


@pytest.mark.parametrize(
    ("base_url", "start"),
    [
        ("", "wss://api.deepgram.com/v1/listen?"),
        ("wss://api.eu.deepgram.com", "wss://api.eu.deepgram.com/v1/listen?"),
        ("https://api.au.deepgram.com/", "wss://api.au.deepgram.com/v1/listen?"),
        ("http://localhost:80/deepgram", "ws://localhost:80/deepgram/v1/listen?"),
    ],
)
def test_the_address_may_be_another_and_of_either_scheme(base_url: str, start: str) -> None:
    options = DeepgramOptions(base_url=base_url)
    assert socket_url(options, RecognitionRequest(PHONE)).startswith(start)


@pytest.mark.parametrize("base_url", ["", "https://api.eu.deepgram.com"])
def test_an_unknown_model_is_refused_at_load_with_the_list(base_url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"nova-3-medical.*flux-general-multi"):
        read_options(PROVIDER, {"model": "nova-99", "base_url": base_url})


def test_at_another_address_any_model_will_do() -> None:
    read_options(PROVIDER, {"model": "our-own", "base_url": "ws://asr.internal"})


def test_a_model_trained_for_us_is_known_by_its_number() -> None:
    DeepgramOptions(model="2187e11a-3532-4498-b076-81fa530bdd49")


@pytest.mark.parametrize(
    "wrong",
    [
        {"base_url": "ftp://x"},
        {"base_url": "api.deepgram.com"},
        {"utterance_end_ms": 900},
        {"eot_threshold": 0.5, "eager_eot_threshold": 0.6},
    ],
)
def test_values_the_server_would_refuse_are_refused_at_load(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        read_options(PROVIDER, wrong)


def test_without_a_key_the_next_step_is_told() -> None:
    assert "DEEPGRAM_API_KEY" in PROVIDER.check(DeepgramOptions())
    assert not PROVIDER.check(DeepgramOptions(api_key=SecretStr("x")))


def test_the_key_is_not_in_the_address_and_not_shown() -> None:
    options = DeepgramOptions(api_key=SecretStr("secret-key"))
    assert "secret-key" not in socket_url(options, RecognitionRequest(PHONE)) + repr(options)
    assert options.headers == {"Authorization": "Token secret-key"}


# ── the queue ────────────────────────────────────────────────────────────────────────────


def frame(start: float, seconds: float = 0.1) -> AudioFrame:
    return AudioFrame(PHONE.silence(seconds), PHONE, start)


async def test_the_oldest_sound_is_dropped_beyond_five_seconds_and_control_never() -> None:
    outbox = Outbox()
    outbox.put("first")
    dropped = [outbox.put(frame(n / 10)) for n in range(52)]
    outbox.put("last")
    assert sum(dropped) == pytest.approx(outbox.dropped) == pytest.approx(0.2)
    taken = [await outbox.take() for _ in range(52)]
    assert (taken[0], taken[-1]) == ("first", "last")
    assert [f.start for f in taken if isinstance(f, AudioFrame)] == [n / 10 for n in range(2, 52)]


@given(st.lists(st.one_of(st.floats(0.02, 3), st.just("control")), max_size=40))
def test_what_waits_is_bounded_and_in_order(items: list[float | str]) -> None:
    outbox, kept = Outbox(), 0.0
    for number, item in enumerate(items):
        if isinstance(item, str):
            outbox.put(str(number))
        else:
            kept += frame(0, item).duration
            kept -= outbox.put(frame(number, item))
        assert kept <= 5.0 + 1e-6


def test_sound_in_real_time_never_waits() -> None:
    pace = Pace()
    assert not any(pace.wait(0.02, n * 0.02) for n in range(10_000))


def test_a_backlog_is_caught_up_at_no_more_than_a_quarter_faster_than_it_was_spoken() -> None:
    pace, now, written = Pace(), 0.0, 0.0
    while written < 20.0:
        now += pace.wait(0.1, now)
        written += 0.1
        assert written <= 3.2 + 1.25 * now
    assert now == pytest.approx((20.0 - 3.0) / 1.25, abs=0.2)
