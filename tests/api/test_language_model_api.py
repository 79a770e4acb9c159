"""Asking the language model one thing."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from voice_agent.api.errors import install_error_handlers
from voice_agent.api.language_model import router
from voice_agent.core.clock import LoopClock
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.core.usage import Unit, Usage
from voice_agent.engines.llm.scripted import ScriptedModel, Step, says
from voice_agent.engines.resilience.candidates import Candidate, Candidates
from voice_agent.engines.resilience.model import FailoverModel

pytestmark = pytest.mark.anyio

PAID = Usage("p", "m", {Unit.INPUT_TOKENS: 10, Unit.OUTPUT_TOKENS: 2})
DOWN = ProviderUnavailable("down", provider="a")


@dataclass
class Services:
    """What the router finds on the application."""

    models: list[ScriptedModel]
    price: Callable[[Usage], float | None] = lambda _usage: 0.5
    clock: LoopClock = field(default_factory=LoopClock)

    @property
    def model(self) -> FailoverModel:
        named = [Candidate(f"model-{n}", model) for n, model in enumerate(self.models)]
        return FailoverModel(Candidates("llm", named, self.clock))  # type: ignore[arg-type]

    def system_prompt(self) -> str:
        return "Be brief."


async def ask(body: dict[str, Any], *answers: list[Step], **options: Any) -> tuple[Any, Services]:
    services = Services([ScriptedModel(answer) for answer in answers], **options)
    app = FastAPI()
    app.include_router(router)
    install_error_handlers(app)
    app.state.services = services
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://agent") as client:
        return await client.post("/api/test-llm", json=body), services


async def test_the_answer_says_who_gave_it_and_what_it_cost() -> None:
    response, services = await ask({"text": "hello"}, [PAID, *says("Hi. ", "How are you?")])
    answer = response.json()
    assert answer["text"] == "Hi. How are you?"
    assert (answer["engine"], answer["finish_reason"]) == ("model-0", "stop")
    assert answer["usage"] == {"input_tokens": 10.0, "output_tokens": 2.0}
    assert answer["cost_usd"] == 0.5
    assert 0 <= answer["first_token_ms"] <= answer["total_ms"]
    assert services.models[0].requests[0].system == "Be brief."


async def test_other_instructions_can_be_tried() -> None:
    _, services = await ask({"text": "hello", "system_override": "Be rude."}, says("No."))
    assert services.models[0].requests[0].system == "Be rude."


async def test_a_model_that_failed_and_the_one_that_took_over_are_named() -> None:
    response, _ = await ask({"text": "hello"}, [DOWN], says("Hi."))
    answer = response.json()
    assert answer["engine"] == "model-1"
    assert answer["switches"][0]["failed"] == "model-0"


async def test_work_without_a_price_has_no_cost() -> None:
    response, _ = await ask({"text": "hello"}, [PAID, *says("Hi.")], price=lambda _usage: None)
    assert response.json()["cost_usd"] is None


async def test_no_model_at_all_is_a_problem_with_its_code() -> None:
    response, _ = await ask({"text": "hello"}, [DOWN])
    assert response.status_code >= 500
    assert response.json()["code"] == "provider_unavailable"


@pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "x" * 5000}, {"text": "x", "y": 1}])
async def test_a_question_that_does_not_fit_is_refused(body: dict[str, Any]) -> None:
    response, _ = await ask(body, says("Hi."))
    assert response.status_code == 422
