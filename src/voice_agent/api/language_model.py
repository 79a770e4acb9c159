"""`POST /api/test-llm`: ask the language model one thing, without a call and without tools."""

from collections.abc import Callable
from typing import Protocol, cast

import anyio
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from voice_agent.core.chat import ChatRequest, Finished, Message, Role, TextDelta, ToolChoice
from voice_agent.core.clock import Clock
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.core.usage import EngineSwitched, Usage
from voice_agent.engines.resilience.model import FailoverModel
from voice_agent.pipeline.tool_loop import closing

router = APIRouter(tags=["engines"])

ANSWER_WITHIN = 30.0
"""How long the answer may take (s)."""


class LanguageModelServices(Protocol):
    """What this router needs of the application's services."""

    @property
    def model(self) -> FailoverModel:
        """The language models as one."""
        ...

    @property
    def system_prompt(self) -> Callable[[], str]:
        """The instructions a call begins with."""
        ...

    @property
    def price(self) -> Callable[[Usage], float | None]:
        """What work costs (USD), None where nobody knows."""
        ...

    @property
    def clock(self) -> Clock:
        """Time."""
        ...


class Question(BaseModel):
    """What to ask."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1, max_length=4000)
    system_override: str | None = Field(
        default=None, max_length=20_000, description="Other instructions than those of a call."
    )


class Switch(BaseModel):
    """One model failed and another one took over."""

    failed: str
    successor: str
    code: str


class Answer(BaseModel):
    """What came back, from whom and how fast."""

    text: str
    finish_reason: str
    engine: str = Field(description="Who answered, or finished the answer.")
    first_token_ms: float | None = Field(description="Until the first words.")
    total_ms: float
    usage: dict[str, float]
    cost_usd: float | None
    switches: list[Switch]


@router.post("/api/test-llm")
async def ask_language_model(request: Request, question: Question) -> Answer:
    """Ask one question; the answer says which model gave it, how fast and for how much.

    Raises:
        ProviderError: no model could answer (502 with its code).
    """
    services = cast("LanguageModelServices", request.app.state.services)
    system = question.system_override
    asked = ChatRequest(
        (Message(Role.USER, question.text),),
        tool_choice=ToolChoice.NONE,
        system=services.system_prompt() if system is None else system,
    )
    with anyio.move_on_after(ANSWER_WITHIN):
        return await _ask(services, asked)
    raise ProviderUnavailable(f"no answer within {ANSWER_WITHIN:g} s", provider="llm")


async def _ask(services: LanguageModelServices, asked: ChatRequest) -> Answer:
    clock, began = services.clock, services.clock.now()
    engine = services.model.candidates.first().name
    text, reason, first, cost = "", "", None, 0.0
    usage: dict[str, float] = {}
    unpriced = False
    switches: list[Switch] = []
    async with closing(services.model.stream(asked)) as events:
        async for event in events:
            match event:
                case TextDelta():
                    first = clock.now() - began if first is None else first
                    text += event.text
                case Usage():
                    price = services.price(event)
                    unpriced, cost = unpriced or price is None, cost + (price or 0.0)
                    for unit, amount in event.amounts.items():
                        usage[str(unit)] = usage.get(str(unit), 0.0) + amount
                case EngineSwitched():
                    engine = event.successor
                    switches.append(
                        Switch(failed=event.failed, successor=event.successor, code=event.code)
                    )
                case Finished():
                    reason = str(event.reason)
    return Answer(
        text=text,
        finish_reason=reason,
        engine=engine,
        first_token_ms=None if first is None else round(1000 * first, 1),
        total_ms=round(1000 * (clock.now() - began), 1),
        usage=usage,
        cost_usd=None if unpriced else round(cost, 9),
        switches=switches,
    )
