"""ElevenLabs' messages as values."""

from base64 import b64encode
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError

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
from voice_agent.engines.tts.clause_events import ClauseEvent, Failed, Final, Sound, TimedText
from voice_agent.engines.tts.elevenlabs.options import MODELS, ElevenLabsOptions, output_format
from voice_agent.engines.tts.elevenlabs.protocol import (
    RULES,
    SEATS,
    TimedStream,
    clause_text,
    closed,
    handshake_refusal,
    http_body,
    http_refusal,
    opening,
    receive,
    socket_path,
)

OPTIONS = ElevenLabsOptions(api_key=SecretStr("k"))
HELLO = SpeechRequest("Hello there.", PHONE)
AUDIO = b64encode(b"\x7f" * 10).decode()
VALID: list[dict[str, Any]] = [
    {
        "audio": AUDIO,
        "isFinal": None,
        "contextId": "c1",
        "alignment": {
            "chars": ["H", "i"],
            "charStartTimesMs": [0, 60],
            "charDurationsMs": [60, 90],
        },
        "normalizedAlignment": None,
    },
    {"audio": None, "isFinal": True, "contextId": "c1", "alignment": None},
    {"message": "no", "error": "max_active_conversations", "code": 1008},
]


def sent(text: str = "Hello there.") -> list[dict[str, Any]]:
    return [orjson.loads(message) for message in opening("c1", text, OPTIONS.settings(HELLO))]


def one(message: dict[str, Any]) -> ClauseEvent:
    (event,) = receive(orjson.dumps(message))
    return event


def failure(message: dict[str, Any]) -> ProviderError:
    event = one(message)
    assert isinstance(event, Failed)
    return event.error


def query(request: SpeechRequest, options: ElevenLabsOptions = OPTIONS) -> dict[str, str]:
    parsed = parse_qs(urlsplit(socket_path(request, options)).query, strict_parsing=True)
    return {name: value for name, (value,) in parsed.items()}


def test_a_context_opens_with_a_single_space_and_its_settings() -> None:
    assert sent()[0]["text"] == " "
    assert sent()[0]["voice_settings"]["stability"] == 0.5


def test_settings_are_in_the_first_message_only() -> None:
    assert [("voice_settings" in message) for message in sent()] == [True, False, False]


def test_the_text_ends_with_a_space_and_is_flushed() -> None:
    assert sent()[1] == {"text": "Hello there. ", "context_id": "c1", "flush": True}


def test_a_context_is_initialised_before_it_is_flushed_or_closed() -> None:
    assert [message["context_id"] for message in sent()] == ["c1"] * 3
    assert sent()[2] == {"context_id": "c1", "close_context": True}


def test_fewer_contexts_are_opened_than_the_limit_of_five() -> None:
    assert SEATS < 5
    assert RULES.until_final


def test_the_keep_alive_names_no_context_because_it_would_poison_one_not_initialised() -> None:
    assert orjson.loads(RULES.keep_alive) == {"text": ""}
    assert RULES.keep_alive_every < 20


def test_the_address_says_model_format_and_that_whole_clauses_come() -> None:
    assert query(HELLO) == {
        "model_id": "eleven_flash_v2_5",
        "output_format": "ulaw_8000",
        "auto_mode": "true",
        "sync_alignment": "true",
        "inactivity_timeout": "180",
        "apply_text_normalization": "auto",
        "language_code": "en",
    }


def test_a_voice_of_any_name_is_one_part_of_the_path() -> None:
    path = urlsplit(socket_path(SpeechRequest("x", PHONE, voice="../a?b=\ud800c"), OPTIONS)).path
    assert path.split("/")[1:3] == ["v1", "text-to-speech"]
    assert len(path.split("/")) == 5


@pytest.mark.parametrize(("model", "sends"), [(m, t.language_code) for m, t in MODELS.items()])
def test_the_language_is_sent_only_to_models_that_take_one(model: str, *, sends: bool) -> None:
    options = ElevenLabsOptions(model=model)
    german = SpeechRequest("Hallo", PHONE, language="de-DE")
    assert http_body("Hallo", german, options).get("language_code") == ("de" if sends else None)


def test_ssml_is_parsed_only_where_markup_is_used() -> None:
    marked = SpeechRequest("One two", PHONE, markup='One <break time="500ms"/> two')
    assert "enable_ssml_parsing" not in query(HELLO)
    assert query(marked)["enable_ssml_parsing"] == "true"
    assert "<break" in clause_text(marked, OPTIONS.model)


def test_plain_text_is_never_markup() -> None:
    said = clause_text(SpeechRequest('a <break time="3s"/> [laughs]', PHONE), OPTIONS.model)
    assert not set(said) & set("<>[]")


@pytest.mark.parametrize("model", [m for m, traits in MODELS.items() if not traits.websocket])
def test_v3_and_v4_are_not_on_websockets(model: str) -> None:
    assert ElevenLabsOptions(model=model).over_http
    with pytest.raises(ValidationError, match="set transport to http"):
        ElevenLabsOptions(model=model, transport="websocket")


def test_the_dialogue_model_is_refused_with_a_name_that_works() -> None:
    with pytest.raises(ValidationError, match="use eleven_v3"):
        ElevenLabsOptions(model="eleven_v3_conversational")


@pytest.mark.parametrize("base", ["", "https://api.eu.residency.elevenlabs.io"])
def test_an_unknown_model_is_refused_with_the_list(base: str) -> None:
    with pytest.raises(ValidationError, match="eleven_flash_v2_5, eleven_flash_v2"):
        ElevenLabsOptions(model="eleven_flush", base_url=base)


def test_another_server_may_call_its_models_anything() -> None:
    assert ElevenLabsOptions(model="mine", base_url="http://127.0.0.1:1").model == "mine"


def test_a_voice_is_chosen_by_request_then_language_then_default() -> None:
    options = ElevenLabsOptions(voice="any", voices={"de": "anna", "fr-CA": "luc"})
    assert options.voice_for(SpeechRequest("x", PHONE, voice="mine", language="de")) == "mine"
    assert options.voice_for(SpeechRequest("x", PHONE, language="de-AT")) == "anna"
    assert options.voice_for(SpeechRequest("x", PHONE, language="fr-CA")) == "luc"
    assert options.voice_for(SpeechRequest("x", PHONE, language="en")) == "any"


@given(st.floats(0.1, 5), st.sampled_from(Emotion))
def test_settings_stay_within_what_the_vendor_takes(rate: float, emotion: Emotion) -> None:
    settings = OPTIONS.settings(SpeechRequest("x", PHONE, rate=rate, emotion=emotion))
    assert 0.7 <= settings["speed"] <= 1.2
    assert all(0 <= settings[name] <= 1 for name in ("stability", "similarity_boost", "style"))


def test_an_angry_caller_gets_an_even_voice() -> None:
    calm = OPTIONS.settings(SpeechRequest("x", PHONE, emotion=Emotion.ANGRY))
    assert calm["stability"] > OPTIONS.settings(HELLO)["stability"]


@pytest.mark.parametrize(
    ("audio", "name"),
    [
        (PHONE, "ulaw_8000"),
        (WIDEBAND, "pcm_16000"),
        (AudioFormat(Encoding.PCM16, 24000), "pcm_24000"),
    ],
)
def test_formats_have_the_vendors_names(audio: AudioFormat, name: str) -> None:
    assert output_format(audio) == name


def test_a_format_it_does_not_offer_is_rejected() -> None:
    with pytest.raises(ProviderRejected):
        output_format(AudioFormat(Encoding.MULAW, 16000))


@pytest.mark.parametrize("context", ["contextId", "context_id"])
@pytest.mark.parametrize("durations", ["charDurationsMs", "charsDurationsMs"])
def test_every_drifting_field_is_read_in_both_spellings(context: str, durations: str) -> None:
    alignment = {"chars": ["H", "i"], "charStartTimesMs": [0, 60], durations: [60, 90]}
    event = one({"audio": AUDIO, context: "c1", "alignment": alignment})
    letters = (TimedText("H", 0, 0.06), TimedText("i", 0.06, 0.15))
    assert isinstance(event, Sound)
    assert (event.context, event.data) == ("c1", b"\x7f" * 10)
    assert [(x.text, round(x.start, 6), round(x.end, 6)) for x in event.letters] == [
        (x.text, x.start, x.end) for x in letters
    ]


@pytest.mark.parametrize("final", ["isFinal", "is_final"])
def test_the_end_is_read_in_both_spellings(final: str) -> None:
    assert one({"audio": None, final: True, "contextId": "c1"}) == Final("c1")


def test_the_end_may_bring_the_last_sound() -> None:
    events = receive(orjson.dumps({"audio": AUDIO, "isFinal": True, "contextId": "c"}))
    assert [type(event) for event in events] == [Sound, Final]


def test_frames_without_audio_and_unknown_fields_say_nothing() -> None:
    assert receive('{"audio":null,"isFinal":null,"contextId":"c","alignment":null,"x":1}') == []


def test_the_alignment_of_the_written_out_text_is_better_than_none() -> None:
    alignment = {"chars": ["H"], "charStartTimesMs": [0], "charDurationsMs": [60]}
    event = one({"audio": AUDIO, "contextId": "c1", "normalizedAlignment": alignment})
    assert isinstance(event, Sound)
    assert len(event.letters) == 1


def test_an_alignment_may_come_without_sound() -> None:
    alignment = {"chars": ["H"], "charStartTimesMs": [0], "charDurationsMs": [60]}
    event = one({"audio": None, "contextId": "c1", "alignment": alignment})
    assert isinstance(event, Sound)
    assert (event.data, len(event.letters)) == (b"", 1)


@pytest.mark.parametrize(
    "alignment",
    [
        {"chars": ["H"], "charStartTimesMs": [0, 1], "charDurationsMs": [60]},
        {"chars": "H", "charStartTimesMs": [0], "charDurationsMs": [60]},
        {"chars": [1], "charStartTimesMs": [0], "charDurationsMs": [60]},
        {"chars": ["H"]},
        [],
    ],
)
def test_an_alignment_that_does_not_fit_is_none_and_the_sound_is_kept(alignment: object) -> None:
    event = one({"audio": AUDIO, "contextId": "c1", "alignment": alignment})
    assert event == Sound("c1", b"\x7f" * 10)


def test_the_sixth_context_fails_everybody_on_the_socket() -> None:
    event = one(VALID[2])
    assert isinstance(event, Failed)
    assert event.context == ""
    assert isinstance(event.error, ProviderUnavailable)


@pytest.mark.parametrize(
    ("name", "code", "error"),
    [
        ("rate_limit_exceeded", 1008, ProviderThrottled),
        ("system_busy", 1013, ProviderThrottled),
        ("quota_exceeded", 1008, ProviderMisconfigured),
        ("voice_id_does_not_exist", 1008, ProviderMisconfigured),
        ("voice_settings_changed", 1008, ProviderRejected),
        ("input_timeout_exceeded", 1008, ProviderUnavailable),
        ("internal_error", 1011, ProviderUnavailable),
    ],
)
def test_errors_are_told_apart_by_name(name: str, code: int, error: type[ProviderError]) -> None:
    assert type(failure({"message": "why", "error": name, "code": code})) is error


def test_an_error_of_one_context_stays_with_it() -> None:
    event = one({"message": "m", "error": "internal_error", "code": 1011, "contextId": "c7"})
    assert isinstance(event, Failed)
    assert event.context == "c7"


@pytest.mark.parametrize("audio", ["%%%", 5, ["x"], "a"])
def test_sound_that_cannot_be_read_fails_its_context_only(audio: object) -> None:
    event = one({"audio": audio, "contextId": "c1"})
    assert isinstance(event, Failed)
    assert event.context == "c1"
    assert isinstance(event.error, ProviderGarbage)


def test_a_voice_that_does_not_fit_the_model_may_close_with_1009() -> None:
    assert isinstance(closed(1009, ""), ProviderMisconfigured)


@pytest.mark.parametrize(
    ("code", "error"),
    [(1008, ProviderRejected), (1011, ProviderUnavailable), (None, ProviderUnavailable)],
)
def test_closes_are_told_apart(code: int | None, error: type[ProviderError]) -> None:
    assert type(closed(code, "r" * 1000)) is error


def test_a_wrong_voice_at_the_handshake_is_a_wrong_setting() -> None:
    refused = ProviderRejected('HTTP 400: {"detail":{"status":"voice_not_found"}}', provider="x")
    assert isinstance(handshake_refusal(refused), ProviderMisconfigured)
    other = ProviderRejected("HTTP 400: no", provider="x")
    assert handshake_refusal(other) is other


@pytest.mark.parametrize(
    ("status", "detail", "error"),
    [
        (401, {"status": "invalid_api_key", "message": "no"}, ProviderMisconfigured),
        (401, {"status": "quota_exceeded", "message": "no"}, ProviderMisconfigured),
        (400, {"status": "voice_not_found", "message": "no"}, ProviderMisconfigured),
        (400, {"code": "voice_limit_reached", "message": "no"}, ProviderMisconfigured),
        (400, {"status": "max_character_limit_exceeded", "message": "no"}, ProviderRejected),
        (429, {"code": "concurrent_limit_exceeded", "message": "no"}, ProviderThrottled),
        (422, [{"msg": "field required", "input": "SECRET WORDS"}], ProviderRejected),
        (500, "oops", ProviderUnavailable),
    ],
)
def test_refusals_are_read_in_the_old_and_the_new_shape(
    status: int, detail: object, error: type[ProviderError]
) -> None:
    refused = http_refusal(status, orjson.dumps({"detail": detail}), 3.0)
    assert type(refused) is error
    assert "SECRET" not in str(refused)


@given(st.one_of(st.binary(), st.text()))
def test_garbage_is_read_as_garbage_and_never_raises(message: str | bytes) -> None:
    for event in receive(message):
        if isinstance(event, Failed):
            assert isinstance(event.error, ProviderError)


@given(mutated(VALID))
def test_a_message_with_anything_in_its_fields_never_raises(message: str) -> None:
    assert isinstance(receive(message), list)
    assert isinstance(TimedStream().take(message.encode() + b"\n"), list)


@given(st.integers(100, 599), st.binary())
def test_any_refusal_is_one_of_ours(status: int, body: bytes) -> None:
    assert isinstance(http_refusal(status, body, None), ProviderError)


def timed(audio: bytes, starts: list[float]) -> bytes:
    alignment = {
        "characters": ["a"] * len(starts),
        "character_start_times_seconds": starts,
        "character_end_times_seconds": [start + 0.1 for start in starts],
    }
    body = {"audio_base64": b64encode(audio).decode(), "alignment": alignment}
    return orjson.dumps(body) + b"\n"


@given(st.lists(st.integers(0, 400), max_size=6))
def test_an_http_stream_cut_at_any_byte_says_the_same(cuts: list[int]) -> None:
    data = timed(b"one", [0.0, 0.1]) + b"\n" + timed(b"two", [0.0]) + timed(b"three", [0.1])[:-1]
    whole, pieces = TimedStream(), TimedStream()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    cut = [event for a, b in pairwise(edges) for event in pieces.take(data[a:b])]
    assert [*cut, *pieces.finish()] == [*whole.take(data), *whole.finish()]


def test_times_over_http_may_go_on_or_begin_again() -> None:
    events = TimedStream().take(timed(b"x", [0.0, 0.1]) + timed(b"x", [0.2]) + timed(b"x", [0.0]))
    assert [e.from_clause_start for e in events if isinstance(e, Sound)] == [True, True, False]


def test_an_http_stream_that_breaks_off_in_a_line_is_garbage() -> None:
    stream = TimedStream()
    stream.take(timed(b"x", [0.0])[:30])
    assert isinstance(stream.finish()[0], Failed)


def test_a_line_without_an_end_is_given_up() -> None:
    stream = TimedStream()
    events: list[ClauseEvent] = []
    for _ in range(17):
        events += stream.take(b"x" * 2**20)
    assert isinstance(events[0], Failed)
