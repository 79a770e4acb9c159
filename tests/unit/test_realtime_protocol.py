"""OpenAI's Realtime protocol as values: what is sent, what is told, and what is left out."""

import json
from base64 import b64encode
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from voice_agent.core.audio import PHONE, WIDEBAND, AudioFormat, Encoding, encode
from voice_agent.core.chat import Message, Role, ToolCall, ToolDeclaration
from voice_agent.core.errors import (
    ConfigurationError,
    ProviderGarbage,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderUnavailable,
)
from voice_agent.core.realtime import (
    AddText,
    AddToolResult,
    CallerSound,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    CancelResponse,
    ItemSound,
    ItemText,
    RealtimeEvent,
    RealtimeFailed,
    RealtimeRequest,
    Respond,
    ResponseEnded,
    ResponseOutcome,
    ResponseStarted,
    TruncateItem,
)
from voice_agent.core.usage import Unit, Usage
from voice_agent.engines.realtime.openai import PROVIDER
from voice_agent.engines.realtime.openai.options import DEFAULT_MODEL, Options
from voice_agent.engines.realtime.openai.protocol import MOST_GARBAGE, RealtimeProtocol
from voice_agent.engines.registry import read_options

LOOK_UP = ToolDeclaration("look_up", "Looks it up.", {"type": "object", "properties": {}})
SECOND = b"\xff" * 8000


def protocol(request: RealtimeRequest | None = None, **options: Any) -> RealtimeProtocol:
    """A session that is ready, with nothing to be sent."""
    begun = RealtimeProtocol(request or RealtimeRequest(PHONE), Options(**options))
    begun.begin()
    tell(begun, "session.created", session={})
    tell(begun, "session.updated", session={})
    begun.outbox.clear()
    return begun


def tell(session: RealtimeProtocol, kind: str, /, **fields: Any) -> list[RealtimeEvent]:
    return session.receive(json.dumps({"type": kind, "event_id": "event_1", **fields}))


def sent(session: RealtimeProtocol) -> list[dict[str, Any]]:
    texts = [json.loads(text) for text in session.outbox]
    session.outbox.clear()
    return texts


def begin_response(session: RealtimeProtocol, name: str = "resp_1") -> list[RealtimeEvent]:
    return tell(session, "response.created", response={"id": name, "status": "in_progress"})


def sound(
    session: RealtimeProtocol, data: bytes = SECOND, response: str = "resp_1", item: str = "item_1"
) -> list[RealtimeEvent]:
    delta = b64encode(data).decode()
    return tell(
        session, "response.output_audio.delta", response_id=response, item_id=item, delta=delta
    )


def end_response(
    session: RealtimeProtocol, name: str = "resp_1", status: str = "completed", **fields: Any
) -> list[RealtimeEvent]:
    response = {"id": name, "status": status, "output": [], **fields}
    return tell(session, "response.done", response=response)


def function_call(status: str = "completed", arguments: str = '{"id": "7"}') -> dict[str, Any]:
    return {
        "type": "function_call",
        "id": "item_f",
        "call_id": "call_1",
        "name": "look_up",
        "arguments": arguments,
        "status": status,
    }


# ── the session ─────────────────────────────────────────────────────────────────────────


def begun(request: RealtimeRequest, **options: Any) -> dict[str, Any]:
    session = RealtimeProtocol(request, Options(**options))
    session.begin()
    (update,) = sent(session)
    assert update["type"] == "session.update"
    settings: dict[str, Any] = update["session"]
    return settings


def test_the_session_says_its_type_which_is_mandatory() -> None:
    assert begun(RealtimeRequest(PHONE))["type"] == "realtime"


def test_no_beta_name_is_in_what_is_sent() -> None:
    request = RealtimeRequest(PHONE, "Be brief.", (LOOK_UP,))
    session = RealtimeProtocol(request, Options())
    session.begin()
    session.receive('{"type": "session.updated"}')
    for command in (AddText(Role.USER, "hi"), Respond("say hello"), CancelResponse()):
        session.send(command)
    beta = {
        "modalities",
        "voice",
        "input_audio_format",
        "output_audio_format",
        "input_audio_transcription",
        "turn_detection",
        "temperature",
        "max_response_output_tokens",
    }
    for message in sent(session):
        assert not beta & set(message.get("session", {}))
        assert not beta & set(message.get("response", {}))
        assert "g711_ulaw" not in json.dumps(message)


@pytest.mark.parametrize(
    "name",
    ["response.audio.delta", "response.audio_transcript.delta", "response.text.delta"],
)
def test_events_under_their_beta_names_mean_nothing(name: str) -> None:
    session = protocol()
    begin_response(session)
    delta = b64encode(SECOND).decode()
    assert not tell(session, name, response_id="resp_1", item_id="item_1", delta=delta)


def test_the_phones_sound_passes_untouched_both_ways() -> None:
    audio = begun(RealtimeRequest(PHONE))["audio"]
    assert audio["input"]["format"] == audio["output"]["format"] == {"type": "audio/pcmu"}
    session = protocol()
    session.send(CallerSound(bytes(range(160))))
    assert sent(session)[0]["audio"] == b64encode(bytes(range(160))).decode()
    begin_response(session)
    assert sound(session, bytes(range(200))) == [ItemSound("resp_1", "item_1", bytes(range(200)))]


def test_the_browsers_sound_is_taken_to_24_kilohertz_and_back() -> None:
    audio = begun(RealtimeRequest(WIDEBAND))["audio"]
    assert audio["input"]["format"] == {"type": "audio/pcm", "rate": 24000}
    session = protocol(RealtimeRequest(WIDEBAND))
    session.send(CallerSound(WIDEBAND.silence(0.1)))
    (append,) = sent(session)
    assert len(append["audio"]) == pytest.approx(4 / 3 * 4800, abs=8)
    begin_response(session)
    (heard,) = sound(session, b"\0" * 4800)
    assert isinstance(heard, ItemSound)
    assert len(heard.data) == pytest.approx(3200, abs=4)


@given(cuts=st.lists(st.integers(1, 2399), max_size=6))
def test_where_the_models_sound_is_cut_changes_nothing_of_it(cuts: list[int]) -> None:
    tone = np.round(8000 * np.sin(np.arange(2400) / 7)).astype(np.int16)
    data = encode(tone, Encoding.PCM16)
    whole = _resampled(data, [])
    assert _resampled(data, cuts) == whole
    assert len(whole) == pytest.approx(3200, abs=4)


def _resampled(data: bytes, cuts: list[int]) -> bytes:
    session = protocol(RealtimeRequest(WIDEBAND))
    begin_response(session)
    places = [0, *sorted({2 * cut for cut in cuts}), len(data)]
    events = [event for a, b in pairwise(places) for event in sound(session, data[a:b])]
    return b"".join(event.data for event in events if isinstance(event, ItemSound))


def test_instructions_tools_and_turn_detection_are_part_of_the_session() -> None:
    request = RealtimeRequest(PHONE, "Be brief.", (LOOK_UP,), language="de")
    settings = begun(request, threshold=0.7, prefix_ms=200, silence_ms=400)
    assert settings["instructions"] == "Be brief."
    assert settings["tools"][0]["name"] == "look_up"
    detection = settings["audio"]["input"]["turn_detection"]
    assert (detection["type"], detection["threshold"]) == ("server_vad", 0.7)
    assert (detection["prefix_padding_ms"], detection["silence_duration_ms"]) == (200, 400)
    assert settings["audio"]["input"]["transcription"]["language"] == "de"


def test_the_history_is_replayed_as_text_once_the_session_is_ready() -> None:
    history = (
        Message(Role.USER, "where is my order"),
        Message(Role.ASSISTANT, "", tool_calls=(ToolCall("c1", "look_up", {"id": 7}),)),
        Message(Role.TOOL, '{"status":"shipped"}', call_id="c1"),
        Message(Role.ASSISTANT, "It has", interrupted=True),
    )
    session = RealtimeProtocol(RealtimeRequest(PHONE, history=history), Options())
    session.begin()
    assert len(sent(session)) == 1
    session.receive('{"type": "session.updated"}')
    items = [message["item"] for message in sent(session)]
    assert [item["type"] for item in items] == [
        "message",
        "function_call",
        "function_call_output",
        "message",
    ]
    assert items[0]["content"] == [{"type": "input_text", "text": "where is my order"}]
    assert items[3]["content"] == [{"type": "output_text", "text": "It has"}]


def test_the_session_is_not_ready_before_its_settings_are_taken() -> None:
    session = RealtimeProtocol(RealtimeRequest(PHONE), Options())
    session.begin()
    tell(session, "session.created", session={})
    assert not session.ready
    tell(session, "session.updated", session={})
    assert session.ready


# ── turns and responses ─────────────────────────────────────────────────────────────────


def test_the_callers_turn_is_told_by_the_last_voiced_sound() -> None:
    session = protocol(silence_ms=500)
    assert tell(
        session, "input_audio_buffer.speech_started", audio_start_ms=1200, item_id="item_u"
    ) == [CallerSpeechStarted("item_u", 1.2)]
    assert tell(
        session, "input_audio_buffer.speech_stopped", audio_end_ms=2500, item_id="item_u"
    ) == [CallerSpeechStopped("item_u", 2.0)]


def test_a_response_is_told_from_its_beginning_to_its_end() -> None:
    session = protocol()
    assert begin_response(session) == [ResponseStarted("resp_1")]
    delta = {"response_id": "resp_1", "item_id": "item_1", "delta": "Hello"}
    assert tell(session, "response.output_audio_transcript.delta", **delta) == [
        ItemText("resp_1", "item_1", "Hello")
    ]
    assert sound(session) == [ItemSound("resp_1", "item_1", SECOND)]
    assert end_response(session) == [ResponseEnded("resp_1", ResponseOutcome.COMPLETED)]


def test_late_deltas_of_a_cancelled_response_are_dropped_by_its_name() -> None:
    session = protocol()
    begin_response(session)
    sound(session)
    session.send(CancelResponse())
    assert [message["type"] for message in sent(session)] == ["response.cancel"]
    assert not sound(session)
    assert not end_response(session, status="cancelled")
    begin_response(session, "resp_2")
    assert not sound(session, response="resp_1")
    assert sound(session, response="resp_2", item="item_2")


def test_speech_over_a_response_drops_what_is_still_under_way() -> None:
    session = protocol()
    begin_response(session)
    sound(session)
    tell(session, "input_audio_buffer.speech_started", audio_start_ms=0, item_id="item_u")
    assert not sound(session)
    assert not end_response(session, status="cancelled", status_details={"reason": "turn_detected"})


def test_a_response_that_was_asked_for_and_cancelled_before_it_began_is_not_told() -> None:
    session = protocol()
    session.send(Respond())
    session.send(CancelResponse())
    assert not begin_response(session)
    assert not sound(session)
    assert not end_response(session)
    assert begin_response(session, "resp_2") == [ResponseStarted("resp_2")]


def test_a_response_is_asked_for_only_when_the_last_one_is_over() -> None:
    session = protocol()
    begin_response(session)
    session.send(CancelResponse())
    session.send(AddText(Role.USER, "1 0 4 2"))
    session.send(Respond())
    assert [m["type"] for m in sent(session)] == ["response.cancel", "conversation.item.create"]
    end_response(session, status="cancelled")
    assert [m["type"] for m in sent(session)] == ["response.create"]


def test_a_response_without_tools_may_only_speak() -> None:
    session = protocol()
    session.send(Respond(tools=False))
    assert sent(session)[0]["response"] == {"tool_choice": "none"}


def test_tools_run_only_after_a_completed_response() -> None:
    session = protocol()
    begin_response(session)
    done = {"call_id": "call_1", "name": "look_up", "arguments": "{}", "item_id": "item_f"}
    assert not tell(session, "response.function_call_arguments.done", response_id="resp_1", **done)
    assert end_response(session, output=[function_call()]) == [
        ResponseEnded(
            "resp_1", ResponseOutcome.COMPLETED, (ToolCall("call_1", "look_up", {"id": "7"}),)
        )
    ]


@pytest.mark.parametrize("status", ["cancelled", "incomplete", "failed"])
def test_function_arguments_that_are_done_because_of_an_interruption_run_nothing(
    status: str,
) -> None:
    session = protocol()
    begin_response(session)
    (ended,) = end_response(session, status=status, output=[function_call("incomplete")])
    assert isinstance(ended, ResponseEnded)
    assert not ended.calls


def test_a_call_in_a_response_nobody_waits_for_gets_its_result_all_the_same() -> None:
    session = protocol()
    begin_response(session)
    session.send(CancelResponse())
    sent(session)
    assert not end_response(session, output=[function_call()])
    (result,) = sent(session)
    assert result["item"]["call_id"] == "call_1"
    assert "not done" in result["item"]["output"]


@pytest.mark.parametrize("arguments", ["", "{", "[1]", "null", '"x"'])
def test_arguments_that_are_no_object_become_none_at_all(arguments: str) -> None:
    session = protocol()
    begin_response(session)
    (ended,) = end_response(session, output=[function_call(arguments=arguments)])
    assert isinstance(ended, ResponseEnded)
    assert ended.calls[0].arguments == {}


def test_a_tools_result_is_an_item_and_the_response_to_it_is_asked_for() -> None:
    session = protocol()
    session.send(AddToolResult("call_1", {"status": "shipped"}))
    session.send(Respond())
    created, asked = sent(session)
    assert created["item"] == {
        "type": "function_call_output",
        "call_id": "call_1",
        "output": '{"status": "shipped"}',
    }
    assert asked["type"] == "response.create"


# ── barge-in ────────────────────────────────────────────────────────────────────────────


def cut(heard: float, *, whole: bool = True) -> list[dict[str, Any]]:
    """What is sent about an item of one second when so much of it was heard."""
    session = protocol()
    begin_response(session)
    sound(session)
    if whole:
        tell(session, "response.output_audio.done", response_id="resp_1", item_id="item_1")
    session.send(TruncateItem("item_1", heard))
    return sent(session)


def truncated(heard: float, *, whole: bool = True) -> list[int]:
    """Where that item is cut."""
    return [m["audio_end_ms"] for m in cut(heard, whole=whole) if "audio_end_ms" in m]


def test_an_item_is_cut_at_the_milliseconds_that_were_played() -> None:
    assert truncated(0.4321) == [432]


def test_nothing_is_cut_where_nothing_of_an_item_was_played() -> None:
    assert truncated(0.0) == []


def test_an_item_of_which_nothing_was_played_is_forgotten() -> None:
    assert cut(0.0) == [{"type": "conversation.item.delete", "item_id": "item_1"}]


def test_nothing_is_cut_where_all_of_an_item_was_played() -> None:
    assert truncated(1.0) == []
    assert truncated(1.7) == []


def test_a_cut_is_never_behind_the_sound_that_was_received() -> None:
    assert truncated(1.7, whole=False) == [1000]


def test_an_item_nobody_knows_is_not_cut() -> None:
    session = protocol()
    session.send(TruncateItem("item_9", 1.0))
    assert not session.outbox


@given(pieces=st.lists(st.integers(1, 4000), min_size=1, max_size=20), heard=st.floats(0, 20))
def test_bytes_are_counted_for_each_item_by_itself(pieces: list[int], heard: float) -> None:
    session = protocol()
    begin_response(session)
    for number, size in enumerate(pieces):
        sound(session, b"\xff" * size, item=f"item_{number % 2}")
    lengths = [sum(pieces[0::2]) / 8, sum(pieces[1::2]) / 8]
    for number, length in enumerate(lengths):
        session.send(TruncateItem(f"item_{number}", heard))
        for message in sent(session):
            if message["type"] == "conversation.item.truncate":
                assert 0 < message["audio_end_ms"] <= min(length, heard * 1000)


# ── errors ──────────────────────────────────────────────────────────────────────────────


def error(session: RealtimeProtocol, code: str, kind: str = "invalid_request_error") -> list[Any]:
    problem = {"type": kind, "code": code, "message": "secret words", "param": None}
    return tell(session, "error", error={**problem, "event_id": None})


@pytest.mark.parametrize(
    "code", ["response_cancel_not_active", "conversation_already_has_active_response"]
)
def test_errors_of_two_who_acted_at_once_are_benign(code: str) -> None:
    session = protocol()
    assert not error(session, code)
    assert session.counts.errors == 0


def test_other_errors_are_counted_and_the_session_goes_on() -> None:
    session = protocol()
    assert not error(session, "invalid_value")
    assert session.counts.codes == ["invalid_value"]
    assert begin_response(session)


def test_an_expired_session_is_a_failure() -> None:
    (failed,) = error(protocol(), "session_expired")
    assert isinstance(failed.error, ProviderUnavailable)


def test_settings_that_are_refused_are_a_failure_that_names_no_words() -> None:
    session = RealtimeProtocol(RealtimeRequest(PHONE), Options())
    session.begin()
    (failed,) = error(session, "invalid_value")
    assert isinstance(failed.error, ProviderRejected)
    assert "secret" not in str(failed.error)


def test_a_model_that_does_not_exist_is_a_matter_of_the_settings() -> None:
    (failed,) = error(protocol(), "model_not_found")
    assert isinstance(failed.error, ProviderMisconfigured)


def test_an_error_about_a_response_asked_for_lets_the_next_be_asked_for() -> None:
    session = protocol()
    session.send(Respond())
    (asked,) = sent(session)
    problem = {"type": "invalid_request_error", "code": "x", "event_id": asked["event_id"]}
    tell(session, "error", error=problem)
    session.send(Respond())
    assert [m["type"] for m in sent(session)] == ["response.create"]


def test_too_much_garbage_is_a_failure_and_nothing_is_told_after_it() -> None:
    session = protocol()
    told = [event for _ in range(MOST_GARBAGE + 3) for event in session.receive("{")]
    (failed,) = told
    assert isinstance(failed, RealtimeFailed)
    assert isinstance(failed.error, ProviderGarbage)
    assert not begin_response(session)


def test_a_failed_transcript_is_told_as_no_text() -> None:
    kind = "conversation.item.input_audio_transcription"
    assert tell(protocol(), f"{kind}.failed", item_id="item_u", error={}) == [
        CallerText("item_u", "")
    ]


def test_a_transcript_is_told_once_and_whole_with_what_it_cost() -> None:
    kind, session = "conversation.item.input_audio_transcription", protocol()
    assert not tell(session, f"{kind}.delta", item_id="item_u", delta="where")
    usage = {"type": "tokens", "input_tokens": 20, "output_tokens": 5}
    usage["input_token_details"] = {"text_tokens": 4, "audio_tokens": 16}
    assert tell(session, f"{kind}.completed", item_id="item_u", transcript=" hi ", usage=usage) == [
        CallerText("item_u", "hi"),
        Usage(
            "openai",
            "gpt-4o-mini-transcribe",
            {Unit.INPUT_TOKENS: 4, Unit.INPUT_AUDIO_TOKENS: 16, Unit.OUTPUT_TOKENS: 5},
        ),
    ]


def test_cached_tokens_are_not_counted_twice() -> None:
    session = protocol()
    begin_response(session)
    usage = {
        "input_token_details": {
            "text_tokens": 100,
            "audio_tokens": 50,
            "cached_tokens": 94,
            "cached_tokens_details": {"text_tokens": 64, "audio_tokens": 30},
        },
        "output_token_details": {"text_tokens": 7, "audio_tokens": 40},
    }
    paid = end_response(session, usage=usage)[0]
    assert isinstance(paid, Usage)
    assert paid.amounts == {
        Unit.INPUT_TOKENS: 36,
        Unit.CACHED_TOKENS: 64,
        Unit.INPUT_AUDIO_TOKENS: 20,
        Unit.CACHED_AUDIO_TOKENS: 30,
        Unit.OUTPUT_TOKENS: 7,
        Unit.OUTPUT_AUDIO_TOKENS: 40,
    }


def test_rate_limits_and_unknown_events_may_come_anywhere() -> None:
    session = protocol()
    assert not tell(session, "rate_limits.updated", rate_limits=[])
    assert not tell(session, "mcp_list_tools.completed")
    assert session.counts.garbage == 0


# ── anything ────────────────────────────────────────────────────────────────────────────

KINDS = [
    "session.updated",
    "error",
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "conversation.item.input_audio_transcription.completed",
    "response.created",
    "response.output_audio.delta",
    "response.output_audio_transcript.delta",
    "response.output_audio.done",
    "response.done",
]
FIELDS = [
    "error", "item_id", "audio_start_ms", "audio_end_ms", "transcript", "usage", "response",
    "response_id", "delta", "id", "status", "output", "code", "type", "event_id", "arguments",
    "call_id", "name", "input_token_details", "cached_tokens_details",
]  # fmt: skip
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
    ),
    max_leaves=8,
)
events = st.builds(
    lambda kind, fields: json.dumps({**fields, "type": kind}),
    st.sampled_from(KINDS) | st.text(max_size=5),
    st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=6),
)


@given(messages=st.lists(events | st.text(max_size=20) | st.binary(max_size=20), max_size=12))
def test_anything_may_come_in_and_no_exception_comes_out(messages: list[str | bytes]) -> None:
    session = protocol(RealtimeRequest(WIDEBAND))
    failures = 0
    for message in messages:
        failures += sum(isinstance(e, RealtimeFailed) for e in session.receive(message))
    assert failures <= 1


@given(text=st.text(max_size=40), data=st.binary(max_size=64))
def test_whatever_is_sent_is_json(text: str, data: bytes) -> None:
    session = protocol()
    for command in (AddText(Role.USER, text), AddToolResult(text, {"x": text}), CallerSound(data)):
        session.send(command)
    assert len(sent(session)) == 3


# ── options ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "name",
    ["gpt-4o-realtime-preview", "gpt-4o-realtime", "gpt-4o-realtime-preview-2025-06-03"],
)
def test_the_retired_names_are_answered_by_the_current_model(name: str) -> None:
    with capture_logs() as logged:
        assert Options(model=name).model == DEFAULT_MODEL
    assert any(name in map(str, entry.values()) for entry in logged)


def test_an_unknown_model_is_refused_with_the_list_of_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"gpt-realtime-2\.1-mini"):
        read_options(PROVIDER, {"model": "gpt-5"})
    read_options(PROVIDER, {"model": "gpt-5", "base_url": "http://localhost:1/v1"})


def test_an_unknown_voice_is_refused_with_the_list_of_those_there_are() -> None:
    with pytest.raises(ConfigurationError, match="marin"):
        read_options(PROVIDER, {"voice": "rachel"})
    assert begun(RealtimeRequest(PHONE), voice="voice_7")["audio"]["output"]["voice"] == {
        "id": "voice_7"
    }


def test_only_models_that_reason_are_told_how_much() -> None:
    assert begun(RealtimeRequest(PHONE))["reasoning"] == {"effort": "minimal"}
    assert "reasoning" not in begun(RealtimeRequest(PHONE), model="gpt-realtime-1.5")


def test_a_missing_key_is_named_with_its_variable() -> None:
    assert "OPENAI_API_KEY" in PROVIDER.check(Options())
    assert not PROVIDER.check(Options.model_validate({"api_key": "k"}))


def test_another_phone_format_travels_as_linear_sound() -> None:
    request = RealtimeRequest(AudioFormat(Encoding.PCM16, 8000))
    assert begun(request)["audio"]["input"]["format"]["type"] == "audio/pcm"
