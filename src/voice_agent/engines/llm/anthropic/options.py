"""What can be set of Anthropic, and what its model families want to be told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, Self

from pydantic import Field, model_validator

from voice_agent.engines.llm.hosted_model import HostedModelOptions

Effort = Literal["auto", "low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Family:
    """How a model thinks least: its `thinking` type, and whether it knows an effort."""

    thinking: Literal["disabled", "between_tools", "adaptive"] = "disabled"
    has_effort: bool = True


MODELS: Final[Mapping[str, Family]] = {
    "claude-haiku-5-5": Family(),
    "claude-sonnet-5-5": Family("between_tools"),
    "claude-opus-5-5": Family("adaptive"),
    "claude-haiku-4-5": Family(has_effort=False),
    "claude-sonnet-4-6": Family(has_effort=False),
}
"""The models for calls. Those of 5.5 think unless told otherwise; some cannot be told."""


class Options(HostedModelOptions):
    """Settings of Anthropic."""

    model: str = Field(default="claude-haiku-5-5", min_length=1, description="The model's name.")
    effort: Effort = Field(
        default="auto", description="How much it thinks and says; `auto`: low, where it is known."
    )
    cache_prompt: bool = Field(
        default=True, description="Whether instructions and tools are kept for the next turn."
    )

    @model_validator(mode="after")
    def _is_known(self) -> Self:
        if not self.base_url and self.model not in MODELS:
            raise ValueError(f"Anthropic's models for calls are: {', '.join(MODELS)}")
        if not self.family.has_effort and self.effort != "auto":
            raise ValueError(f"{self.model} knows no effort")
        return self

    @property
    def family(self) -> Family:
        """How the model wants to be asked; strangers are asked like the default model."""
        return MODELS.get(self.model, Family())

    @property
    def sent_effort(self) -> str:
        """The effort to send, "" for none at all."""
        if not self.family.has_effort:
            return ""
        return "low" if self.effort == "auto" else self.effort
