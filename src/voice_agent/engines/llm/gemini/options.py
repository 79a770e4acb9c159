"""What can be set of Gemini, and how its model families are told not to think."""

from collections.abc import Mapping
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from voice_agent.core.chat import JsonObject
from voice_agent.engines.llm.hosted_model import HostedModelOptions

ThinkingLevel = Literal["auto", "minimal", "low", "medium", "high"]

MODELS: Final[Mapping[str, ThinkingLevel]] = {
    "gemini-3.8-flash": "minimal",
    "gemini-3.7-flash": "low",
    "gemini-3.6-flash": "minimal",
    "gemini-3.5-flash-lite": "minimal",
    "gemini-3.1-flash-lite": "minimal",
    "gemini-2.5-flash": "auto",
    "gemini-2.5-flash-lite": "auto",
}
"""The models for calls, and the least they can think; those of 2.5 have a budget instead."""

_WITH_BUDGET: Final = "gemini-2.5"


class Options(HostedModelOptions):
    """Settings of Gemini."""

    model: str = Field(
        default="gemini-3.8-flash", pattern=r"^[A-Za-z0-9._-]+$", description="The model's name."
    )
    thinking_level: ThinkingLevel = Field(
        default="auto", description="How much it thinks first; `auto`: as little as it can."
    )

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if not self.base_url and self.model not in MODELS:
            raise ValueError(f"Gemini's models for calls are: {', '.join(MODELS)}")
        if self.model.startswith(_WITH_BUDGET) and self.thinking_level != "auto":
            raise ValueError(f"{self.model} has no thinking levels")
        return self

    @property
    def thinking(self) -> JsonObject:
        """The request's thinking configuration: a budget or a level, never both."""
        if self.model.startswith(_WITH_BUDGET):
            return {"thinkingBudget": 0}
        if self.thinking_level != "auto":
            return {"thinkingLevel": self.thinking_level}
        return {"thinkingLevel": MODELS.get(self.model, "minimal")}

    @property
    def needs_signatures(self) -> bool:
        """Whether the model refuses calls in the history that lack a thought signature."""
        return not self.model.startswith(_WITH_BUDGET)
