"""OpenAI as an engine of the product."""

from typing import Final

from voice_agent.engines.hosted import missing_key
from voice_agent.engines.llm.hosted_model import HostedModel
from voice_agent.engines.llm.openai.errors import KEY_VARIABLE
from voice_agent.engines.llm.openai.options import Options
from voice_agent.engines.llm.openai.wire import PROVIDER_NAME, OpenAIWire
from voice_agent.engines.registry import Kind, Provider

BASE_URL: Final = "https://api.openai.com/v1"


def _build(options: Options) -> HostedModel:
    return HostedModel(OpenAIWire(options), options.base_url or BASE_URL, options)


def _check(options: Options) -> str:
    """A server of one's own needs no key."""
    return "" if options.base_url else missing_key(options, "llm.openai", KEY_VARIABLE)


PROVIDER = Provider(
    name=PROVIDER_NAME,
    kind=Kind.LLM,
    options=Options,
    build=_build,
    summary="OpenAI, or any server that speaks its Chat Completions (Ollama, vLLM, llama.cpp).",
    check=_check,
    key_variable=KEY_VARIABLE,
)
