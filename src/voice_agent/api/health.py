"""`GET /health`: is it running, and with `?ready=1`, can it take calls."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from typing import Literal, Protocol, cast

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from voice_agent.engines.chains import EngineStatus, Standing
from voice_agent.engines.resilience.breaker import BreakerState

router = APIRouter(tags=["health"])


@dataclass(frozen=True, slots=True)
class HealthReport:
    """What bootstrap knows; `problems` holds one sentence for each reason not to take calls.

    `engines` maps a role (stt, llm, tts, vad) to the engine's name; uptime in seconds.
    """

    version: str
    uptime_s: float
    calls_active: int
    engines: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    statuses: tuple[EngineStatus, ...] = ()


HealthCheck = Callable[[], Awaitable[HealthReport]]


class HealthServices(Protocol):
    """What this router needs of the application's services."""

    @property
    def health(self) -> HealthCheck:
        """Looks at everything that a call needs."""
        ...


class EngineHealth(BaseModel):
    """One engine of the configured order."""

    kind: str
    name: str
    standing: Standing = Field(description="What it would do if a call came now.")
    breaker: BreakerState
    reason: str = Field(description="Why it is blocked or missing, and what to do.")


class Health(BaseModel):
    """The state of the server."""

    status: Literal["ok", "not_ready"]
    version: str
    uptime_s: float = Field(description="Seconds since the start.")
    calls_active: int
    engines: dict[str, str] = Field(description="The engine in each role.")
    problems: list[str] = Field(description="Why no call can be taken now.")
    chains: list[EngineHealth] = Field(
        default=[], description="With `ready`: every engine, in the order in which they are tried."
    )


@router.get("/health", responses={HTTPStatus.SERVICE_UNAVAILABLE.value: {"model": Health}})
async def health(request: Request, response: Response, *, ready: bool = False) -> Health:
    """Tell how the server is; with `ready` the answer is 503 when it cannot take calls."""
    services = cast("HealthServices", request.app.state.services)
    report = await services.health()
    if ready and report.problems:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
    response.headers["Cache-Control"] = "no-store"
    return Health(
        status="not_ready" if report.problems else "ok",
        version=report.version,
        uptime_s=round(report.uptime_s, 3),
        calls_active=report.calls_active,
        engines=dict(report.engines),
        problems=list(report.problems),
        chains=[EngineHealth(**asdict(status)) for status in report.statuses if ready],
    )
