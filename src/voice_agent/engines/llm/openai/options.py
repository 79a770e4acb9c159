"""What can be set of OpenAI and of servers like it, and what follows from the model's name."""

from collections.abc import Mapping
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from voice_agent.engines.llm.hosted_model import HostedModelOptions

Effort = Literal["auto", "omit", "none", "minimal", "low", "medium", "high", "xhigh", "max"]
MaxTokensField = Literal["auto", "max_tokens", "max_completion_tokens"]

MODELS: Final[Mapping[str, Effort]] = {
    "gpt-6-luna": "none",
    "gpt-6-sol": "none",
    "gpt-6.1-terra": "none",
    "gpt-5.6-luna": "none",
    "gpt-5.6-terra": "none",
    "gpt-5.4-mini": "none",
    "gpt-5.4-nano": "none",
    "gpt-4.1": "omit",
    "gpt-4.1-mini": "omit",
    "gpt-4o": "omit",
    "gpt-4o-mini": "omit",
}
"""OpenAI's own models that can use tools at once, and the effort that makes them do so."""


class Options(HostedModelOptions):
    """Settings of OpenAI or a server like it; `auto` follows the model's name."""

    model: str = Field(default="gpt-6-luna", min_length=1, description="The model's name.")
    reasoning_effort: Effort = Field(
        default="auto", description="How much it thinks first; tools need `none` at OpenAI."
    )
    max_tokens_field: MaxTokensField = Field(
        default="auto", description="The name under which the server takes `max_tokens`."
    )
    stream_options: bool = Field(
        default=True, description="Whether the server can be asked for figures."
    )
    parallel_tool_calls: bool | None = Field(
        default=None, description="Whether calls may come side by side; empty: not said."
    )
    system_role: Literal["system", "developer"] = Field(
        default="system", description="The role of the instructions."
    )
    null_content: bool = Field(
        default=True, description="Whether a message of tool calls only may have content null."
    )
    tools_with_choice_none: bool = Field(
        default=True, description="Whether the server obeys `tool_choice` none."
    )

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if self.base_url:
            return self
        if self.model not in MODELS:
            raise ValueError(f"OpenAI's models for calls are: {', '.join(MODELS)}")
        if MODELS[self.model] == "none" and self.reasoning_effort not in ("auto", "none"):
            raise ValueError(f"{self.model} uses tools with reasoning_effort none only")
        return self

    @property
    def effort(self) -> str:
        """The effort to send, "" for none at all."""
        chosen = self.reasoning_effort
        if chosen == "auto":
            chosen = MODELS.get(self.model, "omit")
        return "" if chosen == "omit" else chosen

    @property
    def token_field(self) -> str:
        """The field of the longest answer; OpenAI's own models refuse the old name."""
        if self.max_tokens_field != "auto":
            return self.max_tokens_field
        return "max_completion_tokens" if self.model in MODELS else "max_tokens"
