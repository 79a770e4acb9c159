"""Conferences and who is in them; adding a participant dials out."""

from collections.abc import Sequence
from typing import Any, Final

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from voice_agent.simulation.providers.twilio.calls import PREFIX, page, place_call
from voice_agent.simulation.providers.twilio.errors import answer, not_found
from voice_agent.simulation.providers.twilio.exchange import (
    VERSION,
    Conference,
    Exchange,
    Participant,
    mail_date,
    new_sid,
    vendor_path,
)
from voice_agent.simulation.providers.twilio.form import Form
from voice_agent.simulation.providers.twilio.progress import advance, progress

_FLAGS: Final = {
    "muted": ("Muted", False),
    "hold": ("Hold", False),
    "coaching": ("Coaching", False),
    "start_conference_on_enter": ("StartConferenceOnEnter", True),
    "end_conference_on_exit": ("EndConferenceOnExit", False),
}
"""Fields of a participant: their parameter and its default."""


def routes(exchange: Exchange) -> Sequence[BaseRoute]:
    """Conferences are found, looked at and ended; participants added, changed and removed."""

    async def fetch(request: Request, form: Form) -> Response:
        del form
        return answer(_body(_conference(exchange, request)))

    async def listed(request: Request, form: Form) -> Response:
        del form
        account, query = request.path_params["account"], request.query_params
        found = [c for c in exchange.conferences.values() if c.account == account]
        shown = [
            _body(conference)
            for conference in found
            if query.get("FriendlyName", conference.name) == conference.name
            and query.get("Status", conference.status) == conference.status
        ]
        return answer(page(request, "conferences", shown))

    async def update(request: Request, form: Form) -> Response:
        conference = _conference(exchange, request)
        if form.text("Status") == "completed":
            conference.status = "completed"
            for participant in list(conference.participants.values()):
                _remove(exchange, conference, participant)
        return answer(_body(conference))

    path = f"{PREFIX}/Conferences"
    return [
        Route(f"{path}.json", exchange.endpoint(listed), methods=["GET"]),
        Route(f"{path}/{{conference}}.json", exchange.endpoint(fetch), methods=["GET"]),
        Route(f"{path}/{{conference}}.json", exchange.endpoint(update), methods=["POST"]),
        *_participant_routes(exchange, f"{path}/{{conference}}/Participants"),
    ]


def _participant_routes(exchange: Exchange, path: str) -> Sequence[BaseRoute]:
    async def add(request: Request, form: Form) -> Response:
        call = place_call(exchange, request, form, instructed=False)
        conference = _room(exchange, request)
        participant = Participant(call, form.text("Label"), _flags(form))
        participant.call_sid_to_coach = form.text("CallSidToCoach")
        conference.participants[call.sid] = participant
        response = answer(_participant_body(conference, participant), 201)
        response.background = BackgroundTask(progress, exchange, call)
        return response

    async def listed(request: Request, form: Form) -> Response:
        del form
        room = _conference(exchange, request)
        shown = [_participant_body(room, participant) for participant in room.participants.values()]
        return answer(page(request, "participants", shown))

    async def fetch(request: Request, form: Form) -> Response:
        del form
        return answer(_participant_body(*_participant(exchange, request)))

    async def update(request: Request, form: Form) -> Response:
        room, participant = _participant(exchange, request)
        for name, (parameter, _) in _FLAGS.items():
            participant.flags[name] = form.flag(parameter, default=participant.flags[name])
        participant.call_sid_to_coach = form.text("CallSidToCoach", participant.call_sid_to_coach)
        return answer(_participant_body(room, participant))

    async def remove(request: Request, form: Form) -> Response:
        del form
        _remove(exchange, *_participant(exchange, request))
        return Response(status_code=204)

    one = f"{path}/{{participant}}.json"
    return [
        Route(f"{path}.json", exchange.endpoint(add), methods=["POST"]),
        Route(f"{path}.json", exchange.endpoint(listed), methods=["GET"]),
        Route(one, exchange.endpoint(fetch), methods=["GET"]),
        Route(one, exchange.endpoint(update), methods=["POST"]),
        Route(one, exchange.endpoint(remove), methods=["DELETE"]),
    ]


def _conference(exchange: Exchange, request: Request) -> Conference:
    wanted, account = request.path_params["conference"], request.path_params["account"]
    for conference in exchange.conferences.values():
        live = conference.name == wanted and conference.status != "completed"
        if conference.account == account and (conference.sid == wanted or live):
            return conference
    raise not_found(vendor_path(request))


def _room(exchange: Exchange, request: Request) -> Conference:
    """The conference of that name, made if there is none; an unknown identifier makes none."""
    wanted, account = request.path_params["conference"], request.path_params["account"]
    known = [c for c in exchange.conferences.values() if c.name == wanted]
    if wanted.startswith("CF") or any(c.status != "completed" for c in known):
        return _conference(exchange, request)
    conference = Conference(new_sid("CF"), wanted, account, exchange.clock.wall())
    exchange.conferences[conference.sid] = conference
    return conference


def _participant(exchange: Exchange, request: Request) -> tuple[Conference, Participant]:
    room, wanted = _conference(exchange, request), request.path_params["participant"]
    for participant in room.participants.values():
        if wanted in (participant.call.sid, participant.label) and not participant.call.over:
            return room, participant
    raise not_found(vendor_path(request))


def _remove(exchange: Exchange, room: Conference, participant: Participant) -> None:
    """Who leaves is hung up; with some the whole conference is over."""
    del room.participants[participant.call.sid]
    if not participant.call.over:
        advance(exchange, participant.call, "completed")
    if participant.flags["end_conference_on_exit"] or not room.participants:
        room.status = "completed"
        for other in list(room.participants.values()):
            _remove(exchange, room, other)


def _flags(form: Form) -> dict[str, bool]:
    return {
        name: form.flag(parameter, default=usual) for name, (parameter, usual) in _FLAGS.items()
    }


def _body(room: Conference) -> dict[str, Any]:
    place = f"/{VERSION}/Accounts/{room.account}/Conferences/{room.sid}"
    answered = [p for p in room.participants.values() if p.call.status == "in-progress"]
    status = "in-progress" if room.status == "init" and len(answered) > 1 else room.status
    return {
        "sid": room.sid,
        "account_sid": room.account,
        "friendly_name": room.name,
        "status": status,
        "region": "us1",
        "api_version": VERSION,
        "date_created": mail_date(room.created),
        "date_updated": mail_date(room.created),
        "reason_conference_ended": None,
        "call_sid_ending_conference": None,
        "uri": f"{place}.json",
        "subresource_uris": {"participants": f"{place}/Participants.json"},
    }


def _participant_body(room: Conference, participant: Participant) -> dict[str, Any]:
    call = participant.call
    place = f"/{VERSION}/Accounts/{room.account}/Conferences/{room.sid}/Participants"
    status = "connected" if call.status == "in-progress" else call.status
    return {
        "account_sid": room.account,
        "call_sid": call.sid,
        "conference_sid": room.sid,
        "label": participant.label or None,
        "call_sid_to_coach": participant.call_sid_to_coach or None,
        **participant.flags,
        "status": status,
        "queue_time": str(round(call.queue_time * 1000)),
        "date_created": mail_date(call.created),
        "date_updated": mail_date(call.created),
        "uri": f"{place}/{call.sid}.json",
    }
