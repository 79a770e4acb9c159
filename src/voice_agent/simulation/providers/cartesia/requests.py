"""What a client asks Cartesia to say: parsed, checked against the version it speaks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from voice_agent.simulation.providers.cartesia.refusals import Refusal, invalid, unknown_voice
from voice_agent.simulation.providers.cartesia.rules import (
    BIT_RATES,
    BUFFER_DELAY,
    DISCONTINUED,
    EMOTIONS,
    ENCODINGS,
    LANGUAGES,
    LONGEST_BUFFER_DELAY,
    MODELS,
    PLAIN_VOICES,
    RATES,
    Studio,
)
from voice_agent.simulation.providers.mpeg import SilentMpeg
from voice_agent.simulation.providers.speaking import Packing, WireFormat

Fields = Mapping[str, Any]
_MAY_CHANGE: Final = ("transcript", "continue", "flush", "duration")
_PACES: Final = {"slow": 0.8, "normal": 1.0, "fast": 1.2}


@dataclass(frozen=True, slots=True)
class Request:
    """One piece of text and how to say it; `fixed` must not change within a context.

    `delay` is how long the text may be held back for more (s); `container` is raw, wav or mp3.
    """

    context_id: str
    transcript: str
    more: bool
    flush: bool
    delay: float
    audio: WireFormat
    container: str
    language: str
    rate: float
    words: bool
    phonemes: bool
    fixed: bytes


def parse_object(raw: str | bytes) -> Fields:
    """A JSON object; raises `Refusal`."""
    try:
        fields = orjson.loads(raw)
    except ValueError:
        raise invalid("The message is not JSON.") from None
    if not isinstance(fields, dict):
        raise invalid("The message is not an object.")
    return fields


def read_request(
    fields: Fields, version: str, studio: Studio, containers: tuple[str, ...] = ("raw",)
) -> Request:
    """Check a generation request; raises `Refusal`."""
    _check_model(fields)
    _check_voice(fields.get("voice"), version, studio)
    container, audio = _format(fields.get("output_format"), containers)
    delay = fields.get("max_buffer_delay_ms", BUFFER_DELAY)
    if not _is_number(delay) or not 0 <= delay <= LONGEST_BUFFER_DELAY:
        raise invalid(f"max_buffer_delay_ms must be 0 to {LONGEST_BUFFER_DELAY}.")
    return Request(
        context_id=_text(fields, "context_id", ""),
        transcript=_text(fields, "transcript"),
        more=_flag(fields, "continue"),
        flush=_flag(fields, "flush"),
        delay=delay / 1000,
        audio=audio,
        container=container,
        language=_language(fields, version),
        rate=_pace(fields),
        words=_flag(fields, "add_timestamps"),
        phonemes=_flag(fields, "add_phoneme_timestamps"),
        fixed=orjson.dumps(
            {name: value for name, value in fields.items() if name not in _MAY_CHANGE},
            option=orjson.OPT_SORT_KEYS,
        ),
    )


def _check_model(fields: Fields) -> None:
    model = _text(fields, "model_id")
    if model == "sonic" or model.startswith(DISCONTINUED):
        raise Refusal(
            400,
            "model_discontinued",
            "Model discontinued",
            f"{model} was discontinued on 2026-06-01.",
        )
    if model not in MODELS:
        raise Refusal(404, "model_not_found", "Model not found", f"There is no model {model}.")


def _check_voice(voice: Any, version: str, studio: Studio) -> None:
    key = _plain_voice(voice) if version >= PLAIN_VOICES else _voice_object(voice)
    if key not in studio.voices:
        raise unknown_voice(key)


def _plain_voice(voice: Any) -> str:
    if isinstance(voice, str):
        return voice
    if isinstance(voice, dict) and list(voice) == ["id"] and isinstance(voice["id"], str):
        return voice["id"]
    raise invalid('voice must be an id or {"id": …} in this API version.')


def _voice_object(voice: Any) -> str:
    if isinstance(voice, dict) and voice.get("mode") == "embedding":
        raise Refusal(
            400, "embeddings_discontinued", "Invalid voice", "Voice embeddings were discontinued."
        )
    if isinstance(voice, dict) and voice.get("mode") == "id" and isinstance(voice.get("id"), str):
        return str(voice["id"])
    raise invalid('voice must be {"mode": "id", "id": …} in this API version.')


def _format(form: Any, containers: tuple[str, ...]) -> tuple[str, WireFormat]:
    if not isinstance(form, dict):
        raise invalid("output_format is required.")
    container, rate = form.get("container"), form.get("sample_rate")
    if container not in containers:
        raise invalid(f"output_format.container must be one of {', '.join(containers)}.")
    if not isinstance(rate, int) or rate not in RATES:
        raise invalid(f"output_format.sample_rate must be one of {', '.join(map(str, RATES))}.")
    if container == "mp3":
        return container, _mpeg(rate, form.get("bit_rate"))
    encoding = _text(form, "encoding")
    if encoding not in ENCODINGS:
        raise invalid(f"output_format.encoding must be one of {', '.join(ENCODINGS)}.")
    return container, WireFormat(ENCODINGS[encoding], rate)


def _mpeg(rate: int, bit_rate: Any) -> WireFormat:
    if bit_rate not in BIT_RATES:
        raise invalid(f"output_format.bit_rate must be one of {', '.join(map(str, BIT_RATES))}.")
    try:
        SilentMpeg(rate, bit_rate // 1000)
    except ValueError as error:
        raise invalid(str(error)) from None
    return WireFormat(Packing.MPEG, rate, bit_rate // 1000)


def _language(fields: Fields, version: str) -> str:
    language, locale = fields.get("language"), fields.get("locale")
    if locale is not None and (version < PLAIN_VOICES or language is not None):
        raise invalid("Give language or, since 2026-08-14, locale.")
    chosen = str(language or locale or "en").partition("-")[0]
    if chosen not in LANGUAGES:
        raise invalid(f"language {chosen} is not supported.")
    return chosen


def _pace(fields: Fields) -> float:
    config = fields.get("generation_config") or {}
    if not isinstance(config, dict):
        raise invalid("generation_config must be an object.")
    for name, low, high in (("speed", 0.6, 1.5), ("volume", 0.5, 2.0)):
        value = config.get(name, 1.0)
        if not _is_number(value) or not low <= value <= high:
            raise invalid(f"generation_config.{name} must be {low} to {high}.")
    if _text(config, "emotion", "neutral") not in EMOTIONS:
        raise invalid("generation_config.emotion is not supported.")
    legacy = str(fields.get("speed") or "normal")
    if legacy not in _PACES:
        raise invalid("speed must be slow, normal or fast.")
    return float(config.get("speed", _PACES[legacy]))


def _text(fields: Fields, name: str, default: str | None = None) -> str:
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise invalid(f"{name} must be a string.")
    return value


def _flag(fields: Fields, name: str) -> bool:
    value = fields.get(name) or False
    if not isinstance(value, bool):
        raise invalid(f"{name} must be a boolean.")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
