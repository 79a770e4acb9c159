"""The body and address of a text-to-speech request, checked as the vendor does."""

from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import Response

from voice_agent.simulation.providers.elevenlabs.refusals import missing, refusal
from voice_agent.simulation.providers.elevenlabs.rules import (
    DEFAULT_FORMAT,
    DEFAULT_MODEL,
    HTTP_FORMATS,
    MODELS,
    Model,
    Rules,
    Studio,
    wrong_setting,
)
from voice_agent.simulation.providers.elevenlabs.script import passage
from voice_agent.simulation.providers.speaking import Packing, Passage, WireFormat
from voice_agent.simulation.providers.stream import Refused

MOST_LOCATORS: Final = 3
LARGEST_SEED: Final = 4294967295
MEDIA: Final = {Packing.MPEG: "audio/mpeg", Packing.MULAW: "audio/basic"}


@dataclass(frozen=True, slots=True)
class Order:
    """What to say, and how."""

    text: str
    words: Passage
    audio: WireFormat
    language: str

    @property
    def media_type(self) -> str:
        """The content type of the bare sound."""
        return MEDIA.get(self.audio.packing, "audio/pcm")


def read_order(request: Request, raw: bytes, rules: Rules, studio: Studio) -> Order:
    """Check a request; raises `Refused`."""
    voice = request.path_params["voice"]
    if voice not in studio.voices:
        raise Refused(voice_not_found(rules, voice))
    form = request.query_params.get("output_format", DEFAULT_FORMAT)
    if form not in HTTP_FORMATS:
        raise wrong(rules, "invalid_output_format", f"Unsupported output_format {form}.")
    fields = _fields(raw)
    text, model = _text(fields, rules), _model(fields, rules)
    _check_text(text, fields, model, rules)
    _check_rest(fields, rules)
    language = fields.get("language_code") or "en"
    if language not in model.languages:
        raise wrong(rules, "unsupported_language", f"{model.name} does not speak {language}.")
    pace = float((fields.get("voice_settings") or {}).get("speed") or 1.0)
    return Order(text, passage(text, ssml=model.sockets, rate=pace), HTTP_FORMATS[form], language)


def wrong(rules: Rules, code: str, message: str, param: str = "") -> Refused:
    """Something about the request is."""
    return Refused(refusal(rules, 400, "validation_error", code, message, param=param))


def voice_not_found(rules: Rules, voice: str) -> Response:
    """There is no such voice; older servers called that a bad request."""
    message = f"A voice with voice_id {voice} was not found."
    status = 400 if rules.legacy_errors else 404
    return refusal(rules, status, "not_found", "voice_not_found", message, param="voice_id")


def _fields(raw: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(raw)
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise Refused(missing("text"))
    return fields


def _text(fields: dict[str, Any], rules: Rules) -> str:
    if "text" not in fields:
        raise Refused(missing("text"))
    text = fields["text"]
    if not isinstance(text, str) or not text.strip():
        raise wrong(rules, "invalid_parameters", "text must hold words.", "text")
    return text


def _model(fields: dict[str, Any], rules: Rules) -> Model:
    name = fields.get("model_id") or DEFAULT_MODEL
    if not isinstance(name, str) or name not in MODELS:
        message = f"A model with model_id {name} does not exist."
        raise wrong(rules, "model_not_found", message, "model_id")
    return MODELS[name]


def _check_text(text: str, fields: dict[str, Any], model: Model, rules: Rules) -> None:
    if len(text) > model.characters:
        message = f"{model.name} takes {model.characters} characters."
        raise wrong(rules, "max_character_limit_exceeded", message, "text")
    if not model.sockets and (fields.get("previous_text") or fields.get("next_text")):
        message = f"{model.name} takes no previous_text or next_text."
        raise wrong(rules, "unsupported_parameter", message, "previous_text")


def _check_rest(fields: dict[str, Any], rules: Rules) -> None:
    if problem := wrong_setting(fields.get("voice_settings")):
        raise wrong(rules, "invalid_voice_settings", problem, "voice_settings")
    for name in ("pronunciation_dictionary_locators", "previous_request_ids", "next_request_ids"):
        value = fields.get(name) or []
        if not isinstance(value, list) or len(value) > MOST_LOCATORS:
            raise wrong(rules, "invalid_parameters", f"{name}: at most {MOST_LOCATORS}.", name)
    seed = fields.get("seed")
    if seed is not None and not (isinstance(seed, int) and 0 <= seed <= LARGEST_SEED):
        raise wrong(rules, "invalid_parameters", f"seed: 0 to {LARGEST_SEED}.", "seed")
    if fields.get("apply_text_normalization", "auto") not in ("auto", "on", "off"):
        message = "apply_text_normalization: auto, on or off."
        raise wrong(rules, "invalid_parameters", message, "apply_text_normalization")
