"""Recordings of calls: begin, pause, stop, look at and delete them."""

from collections.abc import Sequence
from typing import Any, Final

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from voice_agent.simulation.providers.twilio.calls import PREFIX, page
from voice_agent.simulation.providers.twilio.errors import answer, not_found, refused
from voice_agent.simulation.providers.twilio.exchange import (
    VERSION,
    Exchange,
    Recording,
    mail_date,
    new_sid,
    tell,
    vendor_path,
)
from voice_agent.simulation.providers.twilio.form import Form

_CURRENT: Final = "Twilio.CURRENT"
_EVENTS: Final = ("in-progress", "completed", "absent")


def routes(exchange: Exchange) -> Sequence[BaseRoute]:
    """Everything about recordings."""

    async def begin(request: Request, form: Form) -> Response:
        call = exchange.call(request)
        if call.status != "in-progress":
            raise refused(400, 21220, "Call is not in-progress. Cannot record.")
        recording = Recording(new_sid("RE"), call, form, exchange.clock.wall())
        exchange.recordings[recording.sid] = recording
        return _answered(recording, 201)

    async def update(request: Request, form: Form) -> Response:
        recording = _recording(exchange, request)
        status = form.text("Status")
        if status not in ("paused", "in-progress", "stopped"):
            raise refused(400, 20001, f"Status {status!r} is not valid.")
        if recording.status == "completed":
            raise refused(404, 20404, "The recording is over.")
        recording.status = "completed" if status == "stopped" else status
        if status == "stopped":
            recording.ended = exchange.clock.wall()
        return _answered(recording)

    of_call = f"{PREFIX}/Calls/{{call}}/Recordings"
    return [
        Route(f"{of_call}.json", exchange.endpoint(begin), methods=["POST"]),
        Route(f"{of_call}/{{recording}}.json", exchange.endpoint(update), methods=["POST"]),
        *_kept_routes(exchange, of_call),
    ]


def _kept_routes(exchange: Exchange, of_call: str) -> Sequence[BaseRoute]:
    async def fetch(request: Request, form: Form) -> Response:
        del form
        return answer(_body(_recording(exchange, request)))

    async def listed(request: Request, form: Form) -> Response:
        del form
        call = exchange.call(request)
        found = [_body(r) for r in exchange.recordings.values() if r.call is call]
        return answer(page(request, "recordings", found))

    async def delete(request: Request, form: Form) -> Response:
        del form
        del exchange.recordings[_recording(exchange, request).sid]
        return Response(status_code=204)

    one, alone = f"{of_call}/{{recording}}.json", f"{PREFIX}/Recordings/{{recording}}.json"
    return [
        Route(f"{of_call}.json", exchange.endpoint(listed), methods=["GET"]),
        *(Route(path, exchange.endpoint(fetch), methods=["GET"]) for path in (one, alone)),
        *(Route(path, exchange.endpoint(delete), methods=["DELETE"]) for path in (one, alone)),
    ]


def _recording(exchange: Exchange, request: Request) -> Recording:
    wanted, call = request.path_params["recording"], request.path_params.get("call")
    for recording in reversed(exchange.recordings.values()):
        current = wanted == _CURRENT and recording.status != "completed"
        if (recording.sid == wanted or current) and call in (None, recording.call.sid):
            return recording
    raise not_found(vendor_path(request))


def _length(recording: Recording) -> str | None:
    if not recording.ended:
        return None
    return str(round((recording.ended - recording.started).total_seconds()))


def _place(recording: Recording) -> str:
    return f"/{VERSION}/Accounts/{recording.call.account}/Recordings/{recording.sid}"


def _body(recording: Recording) -> dict[str, Any]:
    form = recording.form
    return {
        "sid": recording.sid,
        "account_sid": recording.call.account,
        "call_sid": recording.call.sid,
        "conference_sid": None,
        "status": recording.status,
        "source": "StartCallRecordingAPI",
        "channels": 2 if form.text("RecordingChannels") == "dual" else 1,
        "track": form.text("RecordingTrack", "both"),
        "duration": _length(recording),
        "start_time": mail_date(recording.started),
        "date_created": mail_date(recording.started),
        "date_updated": mail_date(recording.ended or recording.started),
        "price": None,
        "price_unit": "USD",
        "encryption_details": None,
        "error_code": None,
        "api_version": VERSION,
        "uri": f"{_place(recording)}.json",
    }


def _answered(recording: Recording, status: int = 200) -> Response:
    """The recording; its callback is told afterwards, where it asked for that."""
    response = answer(_body(recording), status)
    form = recording.form
    url, wanted = form.text("RecordingStatusCallback"), form.all("RecordingStatusCallbackEvent")
    if url and recording.status in _EVENTS and recording.status in (wanted or ["completed"]):
        parameters = {
            "AccountSid": recording.call.account,
            "CallSid": recording.call.sid,
            "RecordingSid": recording.sid,
            "RecordingUrl": f"https://api.twilio.com{_place(recording)}",
            "RecordingStatus": recording.status,
            "RecordingDuration": _length(recording) or "0",
            "RecordingChannels": str(_body(recording)["channels"]),
            "RecordingStartTime": mail_date(recording.started) or "",
            "RecordingSource": "StartCallRecordingAPI",
            "RecordingTrack": form.text("RecordingTrack", "both"),
        }
        response.background = BackgroundTask(tell, url, recording.call.token, parameters)
    return response
