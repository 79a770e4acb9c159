"""What responses and transcripts cost, in units that do not overlap; pure."""

from voice_agent.core.chat import JsonObject
from voice_agent.core.usage import Unit, Usage
from voice_agent.engines.realtime.openai.options import NAME
from voice_agent.engines.realtime.openai.server_json import count, inner


def response_usage(response: JsonObject, model: str) -> Usage | None:
    """The usage of a response, None where there is none."""
    usage = inner(response, "usage")
    heard, said = inner(usage, "input_token_details"), inner(usage, "output_token_details")
    cached = inner(heard, "cached_tokens_details")
    cached_audio = min(count(cached, "audio_tokens"), count(heard, "audio_tokens"))
    cached_text = min(_cached_text(heard, cached), count(heard, "text_tokens"))
    amounts = {
        Unit.INPUT_TOKENS: count(heard, "text_tokens") - cached_text,
        Unit.CACHED_TOKENS: cached_text,
        Unit.INPUT_AUDIO_TOKENS: count(heard, "audio_tokens") - cached_audio,
        Unit.CACHED_AUDIO_TOKENS: cached_audio,
        Unit.OUTPUT_TOKENS: count(said, "text_tokens"),
        Unit.OUTPUT_AUDIO_TOKENS: count(said, "audio_tokens"),
    }
    return _usage(model, amounts)


def transcription_usage(event: JsonObject, model: str) -> Usage | None:
    """The usage of the caller's transcript, None where there is none."""
    usage = inner(event, "usage")
    details = inner(usage, "input_token_details")
    audio = min(count(details, "audio_tokens"), count(usage, "input_tokens"))
    amounts = {
        Unit.SECONDS: count(usage, "seconds"),
        Unit.INPUT_TOKENS: count(usage, "input_tokens") - audio,
        Unit.INPUT_AUDIO_TOKENS: audio,
        Unit.OUTPUT_TOKENS: count(usage, "output_tokens"),
    }
    return _usage(model, amounts)


def _cached_text(heard: JsonObject, cached: JsonObject) -> float:
    return count(cached, "text_tokens") if cached else count(heard, "cached_tokens")


def _usage(model: str, amounts: dict[Unit, float]) -> Usage | None:
    paid = {unit: amount for unit, amount in amounts.items() if amount > 0}
    return Usage(NAME, model, paid) if paid else None
