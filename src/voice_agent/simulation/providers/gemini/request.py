"""A request for content: everything the Gemini API would refuse is refused here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import orjson

from voice_agent.core.chat import ChatRequest
from voice_agent.simulation.providers.answers import Limits
from voice_agent.simulation.providers.gemini.errors import wrong
from voice_agent.simulation.providers.gemini.fields import fields
from voice_agent.simulation.providers.gemini.history import as_messages, read_text, read_turns
from voice_agent.simulation.providers.gemini.models import Model, find_model
from voice_agent.simulation.providers.gemini.tools import read_choice, read_tools

_REQUEST: Final = (
    *("contents", "systemInstruction", "tools", "toolConfig", "generationConfig"),
    *("safetySettings", "cachedContent", "labels", "model", "serviceTier", "store"),
)
_GENERATION: Final = (
    *("temperature", "topP", "topK", "candidateCount", "maxOutputTokens", "stopSequences"),
    *("responseMimeType", "responseSchema", "responseJsonSchema", "responseModalities", "seed"),
    *("presencePenalty", "frequencyPenalty", "thinkingConfig", "speechConfig", "mediaResolution"),
    *("responseLogprobs", "logprobs", "enableEnhancedCivicAnswers"),
)
_THINKING: Final = ("includeThoughts", "thinkingBudget", "thinkingLevel")
_THOUGHT_TOKENS: Final = {"minimal": 4, "low": 16, "medium": 64, "high": 256}
_DEFAULT_LEVEL: Final = "medium"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that the API would answer; `thoughts` tokens are spent before the answer."""

    chat: ChatRequest
    limits: Limits
    model: str
    thoughts: int
    shows_thoughts: bool


def read_request(raw: bytes, name: str, version: str, method: str) -> Asked:
    """Check and read a body.

    Raises:
        Refused: the API would not answer it.
    """
    body = fields(_body(raw), "", _REQUEST)
    model = find_model(name, version, method)
    config = fields(body.get("generationConfig", {}), "generation_config", _GENERATION)
    thinking = fields(config.get("thinkingConfig", {}), "thinking_config", _THINKING)
    thoughts = _thoughts(thinking, model)
    tools = read_tools(body.get("tools"))
    turns = read_turns(body.get("contents"), name)
    instruction = body.get("systemInstruction")
    chat = ChatRequest(
        as_messages(turns),
        tools,
        read_choice(body.get("toolConfig"), tools),
        read_text(instruction, "system_instruction") if instruction else "",
    )
    longest = _longest(config)
    room = None if longest is None else max(0, longest - thoughts)
    return Asked(chat, Limits(room), name, thoughts, thinking.get("includeThoughts") is True)


def _body(raw: bytes) -> Mapping[str, Any]:
    try:
        body = orjson.loads(raw or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise wrong("Invalid JSON payload received. Unexpected token.")
    return body


def _thoughts(thinking: Mapping[str, Any], model: Model) -> int:
    budget, level = thinking.get("thinkingBudget"), thinking.get("thinkingLevel")
    if budget is not None and level is not None:
        raise wrong("You can only set only one of thinking budget and thinking level.")
    if level is not None:
        level = str(level).lower()
        if level not in model.levels:
            raise wrong(f"Thinking level {level.upper()} is not supported for this model.")
        return _THOUGHT_TOKENS[level]
    if budget is None or budget == -1:
        return _THOUGHT_TOKENS[_DEFAULT_LEVEL]
    if not isinstance(budget, int) or budget < 0:
        raise wrong("The thinking budget is invalid.")
    return min(budget, _THOUGHT_TOKENS["high"])


def _longest(config: Mapping[str, Any]) -> int | None:
    if config.get("candidateCount", 1) != 1:
        raise wrong("Multiple candidates is not enabled for this model.")
    longest = config.get("maxOutputTokens")
    if longest is None:
        return None
    if not isinstance(longest, int) or isinstance(longest, bool) or longest < 1:
        raise wrong("max_output_tokens must be positive.")
    return longest
