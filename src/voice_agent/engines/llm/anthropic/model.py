"""Anthropic as an engine of the product."""

from typing import Final

from voice_agent.engines.hosted import missing_key
from voice_agent.engines.llm.anthropic.errors import KEY_VARIABLE
from voice_agent.engines.llm.anthropic.options import Options
from voice_agent.engines.llm.anthropic.wire import PROVIDER_NAME, AnthropicWire
from voice_agent.engines.llm.hosted_model import HostedModel
from voice_agent.engines.registry import Kind, Provider

BASE_URL: Final = "https://api.anthropic.com"


def _build(options: Options) -> HostedModel:
    return HostedModel(AnthropicWire(options), options.base_url or BASE_URL, options)


def _check(options: Options) -> str:
    return missing_key(options, "llm.anthropic", KEY_VARIABLE)


PROVIDER = Provider(
    name=PROVIDER_NAME,
    kind=Kind.LLM,
    options=Options,
    build=_build,
    summary="Anthropic's Claude models, by the Messages API.",
    check=_check,
    key_variable=KEY_VARIABLE,
)
