"""Cartesia's messages as values."""

from base64 import b64encode
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from support.hostile_messages import mutated
from voice_agent.core.audio import PHONE, WIDEBAND, AudioFormat, Encoding
from voice_agent.core.errors import (
    ProviderError,
    ProviderGarbage,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from voice_agent.core.speech import Emotion, SpeechRequest
from voice_agent.engines.tts.cartesia.options import CartesiaOptions, output_format
from voice_agent.engines.tts.cartesia.protocol import (
    RULES,
    cancel,
    clause_text,
    closed,
    http_refusal,
    opening,
    preview_body,
    receive,
)
from voice_agent.engines.tts.clause_events import (
    ClauseEvent,
    Failed,
    Final,
    Sound,
    TimedText,
    WordTimes,
)

OPTIONS = CartesiaOptions(voice="v1")
HELLO = SpeechRequest("Hello there.", PHONE)
VALID: list[dict[str, Any]] = [
    {"type": "chunk", "context_id": "c", "status_code": 206, "done": False, "data": "fn9/"},
    {
        "type": "timestamps",
        "context_id": "c",
        "word_timestamps": {"words": ["Hi"], "start": [0.0], "end": [0.4]},
    },
    {"type": "done", "context_id": "c", "status_code": 200, "done": True},
    {"type": "error", "context_id": "c", "status_code": 400, "title": "No", "message": "why"},
]


def sent(request: SpeechRequest = HELLO, options: CartesiaOptions = OPTIONS) -> dict[str, Any]:
    (message,) = opening("c1", clause_text(request, options.model), request, options)
    fields: dict[str, Any] = orjson.loads(message)
    return fields


def one(message: dict[str, Any]) -> ClauseEvent:
    (event,) = receive(orjson.dumps(message))
    return event


def failure(**fields: object) -> ProviderError:
    event = one({"type": "error", **fields})
    assert isinstance(event, Failed)
    return event.error


def test_a_clause_is_one_message_that_nothing_follows() -> None:
    assert sent() == {
        "context_id": "c1",
        "model_id": "sonic-3",
        "transcript": "Hello there.",
        "voice": {"mode": "id", "id": "v1"},
        "language": "en",
        "output_format": {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000},
        "continue": False,
        "add_timestamps": True,
        "max_buffer_delay_ms": 0,
    }


def test_the_default_buffer_delay_of_three_seconds_is_switched_off() -> None:
    assert sent()["max_buffer_delay_ms"] == 0


@pytest.mark.parametrize(
    ("version", "voice"),
    [
        ("2025-04-16", {"mode": "id", "id": "v1"}),
        ("2026-03-01", {"mode": "id", "id": "v1"}),
        ("2026-08-14", "v1"),
    ],
)
def test_the_shape_of_a_voice_depends_on_the_version(version: Any, voice: object) -> None:
    assert sent(options=CartesiaOptions(voice="v1", api_version=version))["voice"] == voice


def test_errors_are_read_in_the_shapes_of_all_versions() -> None:
    new = failure(context_id="c", status_code=400, title="Bad", message="why")
    old = failure(context_id="c", status_code=400, error="Bad: why")
    assert str(new) == str(old) == "HTTP 400: Bad: why"


def test_a_throttled_context_is_an_event_of_that_context_only() -> None:
    event = one({"type": "error", "context_id": "c9", "status_code": 429, "done": True})
    assert isinstance(event, Failed)
    assert event.context == "c9"
    assert isinstance(event.error, ProviderThrottled)
    assert isinstance(failure(error_code="concurrency_limited"), ProviderThrottled)


def test_an_error_without_a_context_is_the_sockets() -> None:
    event = one({"type": "error", "status_code": 500, "message": "boom"})
    assert isinstance(event, Failed)
    assert event.context == ""
    assert isinstance(event.error, ProviderUnavailable)


@pytest.mark.parametrize("status", [200, 206])
def test_done_is_told_by_its_type_and_not_by_its_status(status: int) -> None:
    assert one({"type": "done", "context_id": "c", "status_code": status}) == Final("c")


def test_a_chunk_is_sound() -> None:
    assert one(VALID[0]) == Sound("c", b"\x7e\x7f\x7f")


def test_word_times_are_seconds_of_the_clause() -> None:
    assert one(VALID[1]) == WordTimes("c", (TimedText("Hi", 0.0, 0.4),))


@pytest.mark.parametrize(
    "kind", ["flush_done", "phoneme_timestamps", "something_new", None, ["chunk"]]
)
def test_what_is_not_known_says_nothing(kind: object) -> None:
    assert receive(orjson.dumps({"type": kind, "context_id": "c"})) == []


@pytest.mark.parametrize("data", [None, 5, "%%%"])
def test_sound_that_cannot_be_read_fails_its_context_only(data: object) -> None:
    event = one({"type": "chunk", "context_id": "c", "data": data})
    assert isinstance(event, Failed)
    assert event.context == "c"
    assert isinstance(event.error, ProviderGarbage)


def test_a_cancel_names_the_context() -> None:
    assert orjson.loads(cancel("c1")) == {"context_id": "c1", "cancel": True}


def test_an_idle_socket_is_closed_before_the_vendor_does_after_five_minutes() -> None:
    assert RULES.longest_idle < 300
    assert RULES.keep_alive == ""


@pytest.mark.parametrize(
    "model", ["sonic", "sonic-2", "sonic-2-2025-03-07", "sonic-turbo", "sonic-multilingual"]
)
def test_discontinued_models_are_refused_with_the_list(model: str) -> None:
    with pytest.raises(ValidationError, match="was discontinued; there are: sonic-3,"):
        CartesiaOptions(model=model)


def test_unknown_models_are_refused_but_not_on_another_server() -> None:
    with pytest.raises(ValidationError, match="is not known"):
        CartesiaOptions(model="sonic-9")
    assert CartesiaOptions(model="sonic-9", base_url="http://127.0.0.1:1").model == "sonic-9"


def test_a_language_it_does_not_speak_is_not_sent() -> None:
    assert "language" not in sent(SpeechRequest("x", PHONE, language="eo"))
    assert sent(SpeechRequest("x", PHONE, language="pt-BR"))["language"] == "pt"


def test_a_voice_is_chosen_by_request_then_language_then_default() -> None:
    options = CartesiaOptions(voice="any", voices={"de": "anna"})
    assert options.voice_for(SpeechRequest("x", PHONE, voice="mine", language="de")) == "mine"
    assert options.voice_for(SpeechRequest("x", PHONE, language="de-AT")) == "anna"
    assert options.voice_for(SpeechRequest("x", PHONE, language="fr")) == "any"


@given(st.floats(0.1, 5), st.sampled_from(Emotion))
def test_the_pace_stays_within_what_the_vendor_takes(rate: float, emotion: Emotion) -> None:
    config = sent(SpeechRequest("x", PHONE, rate=rate, emotion=emotion)).get("generation_config")
    assert 0.6 <= (config or {}).get("speed", 1.0) <= 1.5


def test_a_sad_caller_is_answered_with_sympathy() -> None:
    config = sent(SpeechRequest("x", PHONE, emotion=Emotion.SAD))["generation_config"]
    assert config == {"speed": 0.92, "emotion": "sympathetic"}


def test_the_pace_that_3_5_has_switched_off_for_english_is_not_sent() -> None:
    options = CartesiaOptions(model="sonic-3.5")
    assert "generation_config" not in sent(SpeechRequest("x", PHONE, rate=1.2), options)
    spanish = SpeechRequest("x", PHONE, rate=1.2, language="es")
    assert sent(spanish, options)["generation_config"] == {"speed": 1.2}


def test_markup_is_sent_in_the_vendors_tags_and_plain_text_without_any() -> None:
    marked = SpeechRequest("One two", PHONE, markup='One <break time="500ms"/> two')
    assert sent(marked)["transcript"] == 'One <break time="500ms"/> two'
    plain = SpeechRequest('a <emotion value="angry"/> [laughter]', PHONE)
    assert not set(sent(plain)["transcript"]) & set("<>[]")


def test_the_socket_takes_raw_sound_only() -> None:
    assert output_format(WIDEBAND)["container"] == "raw"
    assert output_format(WIDEBAND)["encoding"] == "pcm_s16le"
    with pytest.raises(ProviderRejected):
        output_format(AudioFormat(Encoding.PCM16, 11025))


def test_a_preview_is_mp3_without_the_fields_of_a_context() -> None:
    body = preview_body(HELLO, OPTIONS)
    assert body["output_format"]["container"] == "mp3"
    assert not {"context_id", "continue", "add_timestamps"} & set(body)


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (401, b"Unauthorized: no such key", ProviderMisconfigured),
        (402, b'{"error_code":"quota_exceeded","title":"No","message":"m"}', ProviderMisconfigured),
        (400, b'{"error_code":"voice_not_found","title":"No"}', ProviderMisconfigured),
        (429, b'{"error_code":"concurrency_limited"}', ProviderThrottled),
        (400, b"Bad Request: x", ProviderRejected),
        (500, b"", ProviderUnavailable),
    ],
)
def test_refusals_are_read_as_json_or_as_text(
    status: int, body: bytes, error: type[ProviderError]
) -> None:
    assert type(http_refusal(status, body, None)) is error


def test_a_closed_socket_is_unavailable_and_says_its_code() -> None:
    assert isinstance(closed(1006, ""), ProviderUnavailable)
    assert "1012" in str(closed(1012, "restart"))


@given(st.one_of(st.binary(), st.text()))
def test_garbage_is_read_as_garbage_and_never_raises(message: str | bytes) -> None:
    for event in receive(message):
        if isinstance(event, Failed):
            assert isinstance(event.error, ProviderError)


@given(mutated(VALID))
def test_a_message_with_anything_in_its_fields_never_raises(message: str) -> None:
    assert isinstance(receive(message), list)


@given(st.integers(100, 599), st.binary())
def test_any_refusal_is_one_of_ours(status: int, body: bytes) -> None:
    assert isinstance(http_refusal(status, body, None), ProviderError)


@given(st.binary(max_size=30))
def test_all_sound_arrives(data: bytes) -> None:
    message = {"type": "chunk", "context_id": "c", "data": b64encode(data).decode()}
    assert one(message) == Sound("c", data)
