"""How a call goes on: ringing, answered or not, over; and who is told."""

from typing import Final

import anyio

from voice_agent.simulation.providers.twilio.exchange import (
    VERSION,
    Exchange,
    PhoneCall,
    mail_date,
    tell,
)

OUTCOMES: Final = {"0196": "busy", "0197": "no-answer", "0198": "failed"}
"""How calls to numbers that end so end; all others are answered."""
_EVENTS: Final = {"initiated": "initiated", "ringing": "ringing", "in-progress": "answered"}
_MINUTE: Final = 60


async def progress(exchange: Exchange, call: PhoneCall) -> None:
    """Take a new call to the point where somebody answers, or nobody does."""
    await anyio.sleep(call.queue_time)
    outcome = OUTCOMES.get(call.form.text("To")[-4:], "in-progress")
    async with anyio.create_task_group() as group:
        for status in ("initiated", "ringing", outcome):
            await exchange.desk.wait("twilio", first=False)
            if call.over:
                return
            advance(exchange, call, status)
            for message in status_messages(exchange, call):
                group.start_soon(tell, *message)


def seconds(call: PhoneCall) -> int | None:
    """How long the call was, None while it is not over."""
    if not call.over or not call.ended:
        return None
    return round((call.ended - call.started).total_seconds()) if call.started else 0


def parties(call: PhoneCall) -> dict[str, str]:
    """The parameters that accompany every webhook about a call."""
    called, caller = call.form.text("To"), call.form.text("From")
    places = ("City", "State", "Zip", "Country")
    blanks = {f"{who}{p}": "" for who in ("From", "To", "Caller", "Called") for p in places}
    return {
        "AccountSid": call.account,
        "ApiVersion": VERSION,
        "CallSid": call.sid,
        "CallStatus": call.status,
        "Direction": "outbound-api",
        "From": caller,
        "Caller": caller,
        "To": called,
        "Called": called,
        **blanks,
    }


def advance(exchange: Exchange, call: PhoneCall, status: str) -> None:
    """Note the next state; with the call its recordings end."""
    now = exchange.clock.wall()
    if status == "in-progress":
        call.started = now
    call.status = status
    if call.over:
        call.ended = now
        for recording in exchange.recordings.values():
            if recording.call is call and recording.status != "completed":
                recording.status, recording.ended = "completed", now
    call.told += 1


def status_messages(exchange: Exchange, call: PhoneCall) -> list[tuple[str, str, dict[str, str]]]:
    """What `tell` is to post about the state just reached: at most one message."""
    url = call.form.text("StatusCallback")
    wanted = call.form.all("StatusCallbackEvent") or ["completed"]
    if not url or _EVENTS.get(call.status, "completed") not in wanted:
        return []
    parameters = {
        **parties(call),
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(call.told - 1),
        "Timestamp": mail_date(exchange.clock.wall()) or "",
    }
    if call.over:
        length = seconds(call) or 0
        parameters |= {"CallDuration": str(length), "Duration": str(-(-length // _MINUTE))}
    return [(url, call.token, parameters)]
