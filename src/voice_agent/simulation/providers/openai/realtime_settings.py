"""The session of the Realtime API: its defaults, what may be changed, and what follows from it."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, Final

from voice_agent.core.audio import PHONE, AudioFormat, Encoding
from voice_agent.core.chat import ToolChoice, ToolDeclaration
from voice_agent.simulation.providers.openai.realtime_checks import (
    Check,
    Invalid,
    Json,
    anything,
    boolean,
    either,
    fields,
    listed,
    nullable,
    number,
    one_of,
    tagged,
    text,
    whole,
)

PCM_24: Final = AudioFormat(Encoding.PCM16, 24_000)
REASONING: Final = ("gpt-realtime-2.1", "gpt-realtime-2.1-mini", "gpt-realtime-2")
MODELS: Final = (
    *REASONING,
    "gpt-realtime-1.5",
    "gpt-realtime",
    "gpt-realtime-2025-08-28",
    "gpt-realtime-mini",
    "gpt-realtime-mini-2025-12-15",
)
VOICES: Final = (
    "alloy",
    "ash",
    "ballad",
    "coral",
    "echo",
    "sage",
    "shimmer",
    "verse",
    "marin",
    "cedar",
)
_TRANSCRIBERS: Final = (
    "whisper-1",
    "gpt-4o-transcribe",
    "gpt-4o-mini-transcribe",
    "gpt-4o-transcribe-diarize",
    "gpt-transcribe",
    "gpt-live-transcribe",
    "gpt-realtime-whisper",
)
_SERVER_VAD: Final[Json] = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 500,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
_SEMANTIC_VAD: Final[Json] = {
    "type": "semantic_vad",
    "eagerness": "auto",
    "create_response": True,
    "interrupt_response": True,
}
_PATIENCE: Final = {"high": 0.3, "medium": 0.5, "auto": 0.5, "low": 0.8}
_FORMAT: Final = tagged(
    {
        "audio/pcm": fields({"type": anything, "rate": one_of(24_000)}),
        "audio/pcmu": fields({"type": anything}),
    }
)
_VOICE: Final = either(fields({"id": text}, required=("id",)), one_of(*VOICES))
_TURN_DETECTION: Final = tagged(
    {
        "server_vad": fields(
            {
                "type": anything,
                "threshold": number(0, 1),
                "prefix_padding_ms": whole(0, 5000),
                "silence_duration_ms": whole(0, 10_000),
                "idle_timeout_ms": nullable(whole(5000, 30_000)),
                "create_response": boolean,
                "interrupt_response": boolean,
            }
        ),
        "semantic_vad": fields(
            {
                "type": anything,
                "eagerness": one_of(*_PATIENCE),
                "create_response": boolean,
                "interrupt_response": boolean,
            }
        ),
    }
)
_TRANSCRIPTION: Final = fields(
    {
        "model": one_of(*_TRANSCRIBERS),
        "language": text,
        "languages": listed(text),
        "prompt": text,
        "keywords": listed(text),
        "delay": text,
    }
)
_OUTPUT: Final = fields({"format": _FORMAT, "voice": _VOICE, "speed": number(0.25, 1.5)})
_AUDIO: Final = fields(
    {
        "input": fields(
            {
                "format": _FORMAT,
                "noise_reduction": nullable(fields({"type": one_of("near_field", "far_field")})),
                "transcription": nullable(_TRANSCRIPTION),
                "turn_detection": nullable(_TURN_DETECTION),
            }
        ),
        "output": _OUTPUT,
    }
)
_TOOL: Final = tagged(
    {
        "function": fields(
            {"type": anything, "name": text, "description": text, "parameters": anything},
            required=("name",),
        )
    }
)
_CHOICE: Final = either(
    fields({"type": one_of("function"), "name": text}, required=("type", "name")),
    one_of("none", "auto", "required"),
)
_TOKENS: Final = either(one_of("inf"), whole(1, 4096))


def _modalities(value: Any, place: str) -> None:
    if value not in (["audio"], ["text"]):
        raise Invalid(
            f"Invalid modalities: {value}. Supported combinations are: ['text'] and ['audio'].",
            param=place,
        )


_SHARED: Final[Mapping[str, Check]] = {
    "output_modalities": _modalities,
    "instructions": text,
    "max_output_tokens": _TOKENS,
    "tools": listed(_TOOL),
    "tool_choice": _CHOICE,
    "parallel_tool_calls": boolean,
    "reasoning": nullable(fields({"effort": one_of("minimal", "low", "medium", "high", "xhigh")})),
    "prompt": nullable(anything),
}
_SESSION: Final = fields(
    {
        **_SHARED,
        "type": one_of("realtime", "transcription"),
        "model": text,
        "audio": _AUDIO,
        "truncation": anything,
        "tracing": nullable(anything),
        "include": nullable(listed(one_of("item.input_audio_transcription.logprobs"))),
    },
    required=("type",),
)
_RESPONSE: Final = fields(
    {
        **_SHARED,
        "audio": fields({"output": _OUTPUT}),
        "conversation": one_of("auto", "none"),
        "input": listed(anything),
        "metadata": nullable(anything),
    }
)


@dataclass(frozen=True, slots=True)
class TurnDetection:
    """How the server finds the caller's turns; seconds."""

    threshold: float
    prefix: float
    silence: float
    idle: float | None
    creates: bool
    interrupts: bool


class Settings:
    """What holds for a session, or for one response of it."""

    def __init__(self, value: Json) -> None:
        """`value` is the session as the vendor writes it."""
        self.value = value

    @property
    def input_format(self) -> AudioFormat:
        """What the client sends."""
        return _format(self.value["audio"]["input"]["format"])

    @property
    def output_format(self) -> AudioFormat:
        """What the client wants to get."""
        return _format(self.value["audio"]["output"]["format"])

    @property
    def speaks(self) -> bool:
        """Whether answers are sound, not text."""
        return bool(self.value["output_modalities"] == ["audio"])

    @property
    def speed(self) -> float:
        """1.0 is the voice's own pace."""
        return float(self.value["audio"]["output"]["speed"])

    @property
    def transcribes(self) -> bool:
        """Whether the client is told what it said."""
        return bool(self.value["audio"]["input"]["transcription"])

    @property
    def instructions(self) -> str:
        """The system prompt."""
        return str(self.value["instructions"])

    @property
    def limit(self) -> int | None:
        """Tokens an answer may have, None without limit."""
        tokens = self.value["max_output_tokens"]
        return None if tokens == "inf" else int(tokens)

    @property
    def parallel_calls(self) -> bool:
        """Whether an answer may call more than one function."""
        return bool(self.value.get("parallel_tool_calls", True))

    @property
    def tools(self) -> tuple[ToolDeclaration, ...]:
        """The functions the model may call."""
        return tuple(
            ToolDeclaration(tool["name"], tool.get("description", ""), tool.get("parameters") or {})
            for tool in self.value["tools"]
        )

    @property
    def tool_choice(self) -> ToolChoice:
        """Whether it may call them."""
        return ToolChoice.NONE if self.value["tool_choice"] == "none" else ToolChoice.AUTO

    @property
    def turn_detection(self) -> TurnDetection | None:
        """None where the client commits by hand."""
        found = self.value["audio"]["input"]["turn_detection"]
        if found is None:
            return None
        semantic = found["type"] == "semantic_vad"
        silence = _PATIENCE[found["eagerness"]] if semantic else found["silence_duration_ms"] / 1000
        idle = None if semantic else found["idle_timeout_ms"]
        return TurnDetection(
            threshold=0.5 if semantic else found["threshold"],
            prefix=0.3 if semantic else found["prefix_padding_ms"] / 1000,
            silence=silence,
            idle=None if idle is None else idle / 1000,
            creates=found["create_response"],
            interrupts=found["interrupt_response"],
        )

    def updated(self, change: Json, *, voice_used: bool, heard: bool) -> "Settings":
        """With a session.update's fields.

        `voice_used` and `heard` say whether audio was put out and taken already.

        Raises:
            Invalid: the vendor would not take them.
        """
        _SESSION(change, "session")
        _check_model(change, str(self.value["model"]))
        value = _merged(self.value, change)
        new = Settings(value)
        if voice_used and _voice(value) != _voice(self.value):
            raise Invalid(
                "Cannot update a conversation's voice if assistant audio is present.",
                code="cannot_update_voice",
                param="session.audio.output.voice",
            )
        if heard and new.input_format != self.input_format:
            raise Invalid(
                "Cannot update the input format after audio was appended.",
                param="session.audio.input.format",
            )
        return new

    def for_response(self, change: Json) -> "Settings":
        """With a response.create's fields.

        Raises:
            Invalid: the vendor would not take them.
        """
        _RESPONSE(change, "response")
        kept = {name: item for name, item in change.items() if name in self.value}
        return Settings(_merged(self.value, kept))


def new_session(model: str, session_id: str, expires_at: int) -> Settings:
    """What a session is before it is told otherwise; `expires_at` in Unix seconds."""
    pcm: Json = {"type": "audio/pcm", "rate": 24_000}
    value: Json = {
        "id": session_id,
        "object": "realtime.session",
        "type": "realtime",
        "model": model,
        "output_modalities": ["audio"],
        "instructions": "You are a helpful assistant.",
        "max_output_tokens": "inf",
        "audio": {
            "input": {
                "format": dict(pcm),
                "noise_reduction": None,
                "transcription": None,
                "turn_detection": dict(_SERVER_VAD),
            },
            "output": {"format": dict(pcm), "voice": "marin", "speed": 1.0},
        },
        "tools": [],
        "tool_choice": "auto",
        "truncation": "auto",
        "tracing": None,
        "prompt": None,
        "include": None,
        "expires_at": expires_at,
    }
    return Settings(value)


def _check_model(change: Json, model: str) -> None:
    if change.get("model", model) != model:
        raise Invalid(f"Cannot change the session's model from '{model}'.", param="session.model")
    for name in ("parallel_tool_calls", "reasoning"):
        if change.get(name) is not None and model not in REASONING:
            raise Invalid(
                f"'{name}' is not supported with the '{model}' model.",
                code="unsupported_parameter",
                param=f"session.{name}",
            )


def _merged(value: Json, change: Json) -> Json:
    merged = deepcopy(value)
    for name, new in change.items():
        if name == "audio":
            for side, given in new.items():
                merged["audio"][side].update(deepcopy(given))
        else:
            merged[name] = deepcopy(new)
    detection = merged["audio"]["input"]["turn_detection"]
    if detection is not None:
        defaults = _SERVER_VAD if detection["type"] == "server_vad" else _SEMANTIC_VAD
        merged["audio"]["input"]["turn_detection"] = {**defaults, **detection}
    return merged


def _format(value: Json) -> AudioFormat:
    return PHONE if value["type"] == "audio/pcmu" else PCM_24


def _voice(value: Json) -> Any:
    return value["audio"]["output"]["voice"]
