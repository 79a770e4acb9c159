"""`/Calls`: make them, look at them, redirect and end them."""

from collections.abc import Sequence
from typing import Any, Final

from starlette.background import BackgroundTask, BackgroundTasks
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from voice_agent.simulation.providers.twilio.errors import answer, refused
from voice_agent.simulation.providers.twilio.exchange import (
    VERSION,
    Exchange,
    PhoneCall,
    mail_date,
    new_sid,
    tell,
    vendor_path,
)
from voice_agent.simulation.providers.twilio.form import (
    Form,
    check_address,
    check_instructions,
    check_parties,
)
from voice_agent.simulation.providers.twilio.progress import (
    advance,
    progress,
    seconds,
    status_messages,
)

PREFIX: Final = f"/{VERSION}/Accounts/{{account}}"
_PAGE: Final = 50
_LARGEST_PAGE: Final = 1000
_NOT_ANSWERED: Final = ("queued", "initiated", "ringing")


def routes(exchange: Exchange) -> Sequence[BaseRoute]:
    """Create, list, fetch, update and delete calls."""

    async def create(request: Request, form: Form) -> Response:
        call = place_call(exchange, request, form)
        response = answer(call_body(call), 201)
        response.background = BackgroundTask(progress, exchange, call)
        return response

    async def listed(request: Request, form: Form) -> Response:
        del form
        account = request.path_params["account"]
        found = [c for c in exchange.calls.values() if c.account == account and _wanted(request, c)]
        newest = sorted(found, key=lambda call: call.created, reverse=True)
        return answer(page(request, "calls", [call_body(call) for call in newest]))

    async def fetch(request: Request, form: Form) -> Response:
        del form
        return answer(call_body(exchange.call(request)))

    async def update(request: Request, form: Form) -> Response:
        call = exchange.call(request)
        _check_update(call, form)
        call.instructions = form.text("Url") or form.text("Twiml") or call.instructions
        messages = _ended(exchange, call, form.text("Status")) if "Status" in form else []
        response = answer(call_body(call))
        response.background = BackgroundTasks([BackgroundTask(tell, *m) for m in messages])
        return response

    async def delete(request: Request, form: Form) -> Response:
        del form
        call = exchange.call(request)
        if not call.over:
            raise refused(409, 20009, "The call is still in progress.")
        del exchange.calls[call.sid]
        return Response(status_code=204)

    many, one = f"{PREFIX}/Calls.json", f"{PREFIX}/Calls/{{call}}.json"
    return [
        Route(many, exchange.endpoint(create), methods=["POST"]),
        Route(many, exchange.endpoint(listed), methods=["GET"]),
        Route(one, exchange.endpoint(fetch), methods=["GET"]),
        Route(one, exchange.endpoint(update), methods=["POST"]),
        Route(one, exchange.endpoint(delete), methods=["DELETE"]),
    ]


def place_call(
    exchange: Exchange, request: Request, form: Form, *, instructed: bool = True
) -> PhoneCall:
    """A new call in the queue; `instructed` ones need to be told what to do.

    Raises:
        Refused: Twilio would not make it.
    """
    check_parties(form)
    check_instructions(form, required=instructed)
    for name in ("StatusCallback", "FallbackUrl"):
        if name in form:
            check_address(form.text(name), name)
    call = PhoneCall(
        sid=new_sid("CA"),
        account=request.path_params["account"],
        token=exchange.token(request),
        form=form,
        created=exchange.clock.wall(),
        queue_time=exchange.queue(),
        instructions=form.text("Url") or form.text("Twiml"),
    )
    exchange.calls[call.sid] = call
    return call


def call_body(call: PhoneCall) -> dict[str, Any]:
    """A call as Twilio shows it; figures are text."""
    length = seconds(call)
    place = f"/{VERSION}/Accounts/{call.account}/Calls/{call.sid}"
    parts = ("recordings", "streams", "payments", "events")
    return {
        "sid": call.sid,
        "account_sid": call.account,
        "parent_call_sid": None,
        "to": call.form.text("To"),
        "to_formatted": call.form.text("To"),
        "from": call.form.text("From"),
        "from_formatted": call.form.text("From"),
        "phone_number_sid": None,
        "status": call.status,
        "start_time": mail_date(call.started),
        "end_time": mail_date(call.ended),
        "duration": None if length is None else str(length),
        "price": None,
        "price_unit": "USD",
        "direction": "outbound-api",
        "answered_by": None,
        "api_version": VERSION,
        "forwarded_from": None,
        "group_sid": None,
        "caller_name": None,
        "queue_time": str(round(call.queue_time * 1000)),
        "trunk_sid": None,
        "date_created": mail_date(call.created),
        "date_updated": mail_date(call.ended or call.started or call.created),
        "uri": f"{place}.json",
        "subresource_uris": {part: f"{place}/{part.title()}.json" for part in parts},
    }


def page(request: Request, name: str, items: Sequence[object]) -> dict[str, Any]:
    """One page of a list."""
    query = request.query_params
    asked = query.get("PageSize", "")
    size = min(int(asked), _LARGEST_PAGE) if asked.isdecimal() and int(asked) else _PAGE
    number = int(query["Page"]) if query.get("Page", "").isdecimal() else 0
    start = number * size
    shown = items[start : start + size]

    def address(wanted: int) -> str:
        return f"{vendor_path(request)}?PageSize={size}&Page={wanted}"

    return {
        name: list(shown),
        "page": number,
        "page_size": size,
        "start": start,
        "end": max(start, start + len(shown) - 1),
        "uri": address(number),
        "first_page_uri": address(0),
        "next_page_uri": address(number + 1) if start + size < len(items) else None,
        "previous_page_uri": address(number - 1) if number else None,
    }


def _wanted(request: Request, call: PhoneCall) -> bool:
    query = request.query_params
    facts = {"Status": call.status, "To": call.form.text("To"), "From": call.form.text("From")}
    if any(query.get(name, fact) != fact for name, fact in facts.items()):
        return False
    since = query.get("StartTime>", "")
    return not since or (call.started or call.created).isoformat()[: len(since)] >= since


def _check_update(call: PhoneCall, form: Form) -> None:
    check_instructions(form, required=False)
    status = form.text("Status")
    if status not in ("", "completed", "canceled"):
        raise refused(400, 20001, f"Status {status!r} is not one of: canceled, completed.")
    started = call.status not in _NOT_ANSWERED
    if call.over or (status == "canceled" and started) or (not status and not started):
        raise refused(400, 21220, "Call is not in-progress. Cannot redirect.")


def _ended(
    exchange: Exchange, call: PhoneCall, status: str
) -> list[tuple[str, str, dict[str, str]]]:
    """Who is told that it is over: nobody while it was only queued."""
    queued = call.status == "queued"
    advance(exchange, call, status)
    return [] if queued else status_messages(exchange, call)
