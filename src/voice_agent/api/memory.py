"""`/api/callers`: what is remembered of a person, told to them and erased.

Callers are addressed by an id that is not their number: addresses end up in access logs.
"""

from datetime import datetime
from typing import Annotated, Any, Protocol, cast

from fastapi import APIRouter, Depends, Path, Request
from pydantic import BaseModel, Field

from voice_agent.api.errors import PROBLEM_RESPONSES
from voice_agent.core.memory import CallerId
from voice_agent.memory.forgetting import ErasureCertificate

router = APIRouter(prefix="/api/callers", tags=["callers"], responses=PROBLEM_RESPONSES)


class CallerRecords(Protocol):
    """What is remembered of persons."""

    def identify(self, number: str) -> CallerId:
        """Their id; raises `NotFoundError` for what is no telephone number."""
        ...

    async def export(self, key: str) -> dict[str, Any]:
        """Everything held; raises `NotFoundError` when nothing is."""
        ...

    async def forget(self, caller: CallerId) -> ErasureCertificate:
        """Erase everything held."""
        ...


class MemoryServices(Protocol):
    """What this router needs of the application's services."""

    @property
    def memory(self) -> CallerRecords:
        """The memory of callers."""
        ...


class CallerNumber(BaseModel):
    """Whom to find; in the body, so that no log of addresses has it."""

    number: str = Field(max_length=40, description="International, like +14155550100.")


class FoundCaller(BaseModel):
    """A caller's id."""

    id: str
    masked_number: str


class PastCallShown(BaseModel):
    """A call that is over."""

    id: str
    at: datetime
    channel: str
    matter: str
    outcome: str
    disposition: str


class TurnShown(BaseModel):
    """An exchange as it was said and heard; numbers are left out."""

    call_id: str
    turn: int
    at: datetime
    caller: str
    agent: str


class ConsentShown(BaseModel):
    """By what right this is kept."""

    granted: bool
    source: str
    at: datetime


class ProfileShown(BaseModel):
    """What is known of the caller."""

    name: str
    name_verified: bool
    tier: str
    language: str
    preferences: list[str]


class CallerExport(BaseModel):
    """Everything that memory holds about one caller."""

    id: str
    masked_number: str
    exported_at: datetime
    consent: ConsentShown
    profile: ProfileShown
    first_call_at: datetime | None
    last_call_at: datetime | None
    calls: list[PastCallShown]
    turns: list[TurnShown]
    kept_for_days: dict[str, int]


class ErasureShown(BaseModel):
    """The certificate of an erasure."""

    id: str
    erased_at: datetime
    removed: dict[str, int] = Field(description="Rows removed, by table.")
    statement: str


def _services(request: Request) -> MemoryServices:
    return cast("MemoryServices", request.app.state.services)


Services = Annotated[MemoryServices, Depends(_services)]
Id = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$", description="From `POST /api/callers/find`.")]


@router.post("/find")
async def find_caller(services: Services, wanted: CallerNumber) -> FoundCaller:
    """Find a caller's id by their number; says nothing about what is held."""
    caller = services.memory.identify(wanted.number)
    return FoundCaller(id=caller.key, masked_number=caller.masked)


@router.get("/{caller_id}/memory")
async def caller_memory(services: Services, caller_id: Id) -> CallerExport:
    """Export everything that memory holds about a caller."""
    held = await services.memory.export(caller_id)
    return CallerExport.model_validate(held)


@router.delete("/{caller_id}/memory")
async def forget_caller(services: Services, caller_id: Id) -> ErasureShown:
    """Erase everything that memory holds about a caller, and certify it."""
    certificate = await services.memory.forget(CallerId(caller_id))
    return ErasureShown(
        id=caller_id,
        erased_at=certificate.erased_at,
        removed=dict(certificate.removed),
        statement=certificate.statement,
    )
