"""`/api/active-calls` and `/api/call-logs`: calls that go on, and calls that were."""

from typing import Annotated, Protocol, cast

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from voice_agent.api.call_models import (
    ActiveCall,
    ActiveCalls,
    LoggedCallDetail,
    LoggedCalls,
)
from voice_agent.api.errors import PROBLEM_RESPONSES
from voice_agent.core.call import Channel, Disposition
from voice_agent.pipeline.directory import CallDirectory
from voice_agent.storage.call_records import CallPage, CallQuery, CallRecord

router = APIRouter(prefix="/api", tags=["calls"], responses=PROBLEM_RESPONSES)


class CallRecords(Protocol):
    """Stored calls."""

    async def page(self, query: CallQuery) -> CallPage:
        """One page of the list, newest first."""
        ...

    async def find(self, call_id: str) -> CallRecord:
        """One call; raises `NotFoundError`."""
        ...


class CallServices(Protocol):
    """What this router needs of the application's services."""

    @property
    def calls(self) -> CallDirectory:
        """The live calls."""
        ...

    @property
    def records(self) -> CallRecords:
        """The stored calls."""
        ...


class CallLogQuery(BaseModel):
    """Which calls to list."""

    limit: int = Field(50, ge=1, le=200)
    cursor: str = Field("", max_length=500, description="The `next_cursor` of the page before.")
    channel: Channel | None = None
    disposition: Disposition | None = None
    since: AwareDatetime | None = Field(None, description="Started then or later; with a zone.")


def _services(request: Request) -> CallServices:
    return cast("CallServices", request.app.state.services)


Services = Annotated[CallServices, Depends(_services)]


@router.get("/active-calls")
async def active_calls(services: Services) -> ActiveCalls:
    """List the calls that go on now."""
    calls = [ActiveCall.of(snapshot) for snapshot in services.calls.snapshots()]
    return ActiveCalls(calls=calls, count=len(calls))


@router.get("/call-logs")
async def call_logs(services: Services, wanted: Annotated[CallLogQuery, Query()]) -> LoggedCalls:
    """List stored calls, newest first, a page at a time."""
    query = CallQuery(**wanted.model_dump())
    return LoggedCalls.of(await services.records.page(query))


@router.get("/call-logs/{call_id}")
async def call_log(services: Services, call_id: str) -> LoggedCallDetail:
    """Show one stored call: its transcript as heard, its turns and every event."""
    return LoggedCallDetail.of_record(await services.records.find(call_id))
