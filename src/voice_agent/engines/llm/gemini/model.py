"""Gemini as an engine of the product."""

from typing import Final

from voice_agent.engines.hosted import missing_key
from voice_agent.engines.llm.gemini.errors import KEY_VARIABLE
from voice_agent.engines.llm.gemini.options import Options
from voice_agent.engines.llm.gemini.wire import PROVIDER_NAME, GeminiWire
from voice_agent.engines.llm.hosted_model import HostedModel
from voice_agent.engines.registry import Kind, Provider

BASE_URL: Final = "https://generativelanguage.googleapis.com"


def _build(options: Options) -> HostedModel:
    return HostedModel(GeminiWire(options), options.base_url or BASE_URL, options)


def _check(options: Options) -> str:
    return missing_key(options, "llm.gemini", KEY_VARIABLE)


PROVIDER = Provider(
    name=PROVIDER_NAME,
    kind=Kind.LLM,
    options=Options,
    build=_build,
    summary="Google's Gemini models, by streamGenerateContent.",
    check=_check,
    key_variable=KEY_VARIABLE,
)
