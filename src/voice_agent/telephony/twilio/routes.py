"""The doors for Twilio: the signed webhook, and the media stream it announces."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final
from urllib.parse import parse_qsl

import structlog
from fastapi import APIRouter, Request, Response, WebSocket
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from voice_agent.core.call import Call, Channel, Direction
from voice_agent.core.clock import Clock
from voice_agent.core.errors import TransportClosed
from voice_agent.telephony.twilio.media_protocol import StreamStarted
from voice_agent.telephony.twilio.media_stream import TwilioTransport
from voice_agent.telephony.twilio.settings import TwilioServices, TwilioSettings
from voice_agent.telephony.twilio.signature import (
    is_signed,
    public_address,
    public_base,
    stream_address,
)
from voice_agent.telephony.twilio.twiml import CONTENT_TYPE, TOKEN_PARAMETER, connect_stream
from voice_agent.transports.websocket_line import WebSocketLine

logger = structlog.get_logger(__name__)
router = APIRouter(tags=["telephone"])

WEBHOOK_PATH: Final = "/twilio-webhook"
STREAM_PATH: Final = "/twilio-stream"
SIGNATURE_HEADER: Final = "x-twilio-signature"
MAX_BODY: Final = 64 * 1024
"""Longest webhook body taken, in bytes."""
MAX_FIELDS: Final = 300
MAX_PARTY: Final = 120
"""Longest number or address of a party kept, in characters."""

_CALL_SID: Final = re.compile(r"CA[0-9a-fA-F]{32}")


@router.post(WEBHOOK_PATH, response_class=Response)
async def answer_webhook(request: Request) -> Response:
    """A call comes in: tell Twilio where to open its media stream."""
    services: TwilioServices = request.app.state.services
    settings = services.twilio
    body = await _body(request)
    if body is None:
        return _problem(413, "Too large", f"The body is longer than {MAX_BODY} bytes.")
    form = _fields(body)
    if form is None:
        return _problem(400, "Not a form", "The body is not a form that can be read.")
    if not _is_from_account(request, form, settings):
        logger.warning("twilio.signature_refused")
        return _problem(403, "Not signed", "The request is not signed by the Twilio account.")
    fields = dict(form)
    if not _CALL_SID.fullmatch(fields.get("CallSid", "")):
        return _problem(400, "No call", "CallSid is missing or not a call's identifier.")
    services.ringing()
    token = settings.tokens.issue(_announced(fields, services.clock), services.clock.now())
    base = public_base(request, settings.public_url, settings.trusted_proxies)
    url = stream_address(base, STREAM_PATH, configured=bool(settings.public_url))
    return Response(connect_stream(url, token), media_type=CONTENT_TYPE)


@router.websocket(STREAM_PATH)
async def carry_stream(socket: WebSocket) -> None:
    """A media stream: only of a call that the webhook announced, once, within a minute."""
    services: TwilioServices = socket.app.state.services
    await socket.accept()
    transport = TwilioTransport(WebSocketLine(socket))
    try:
        call = _admit(await transport.started(), services)
    except TransportClosed as error:
        logger.warning("twilio.stream_refused", reason=str(error))
        await transport.refuse()
        return
    try:
        await services.run_call(call, transport)
    finally:
        await transport.close()


def _admit(started: StreamStarted, services: TwilioServices) -> Call:
    """The announced call this stream belongs to.

    Raises:
        TransportClosed: none was announced with this token.
    """
    token = started.parameters.get(TOKEN_PARAMETER, "")
    now = services.clock.now()
    call = services.twilio.tokens.redeem(token, started.call_sid, now)
    if call is None:
        raise TransportClosed("the token is unknown, used or expired")
    attributes = {**call.attributes, "stream_sid": started.stream_sid}
    return replace(call, started_at=services.clock.wall(), attributes=attributes)


def _announced(fields: Mapping[str, str], clock: Clock) -> Call:
    outbound = fields.get("Direction", "inbound").startswith("outbound")
    return Call(
        id=fields["CallSid"],
        channel=Channel.PHONE,
        direction=Direction.OUTBOUND if outbound else Direction.INBOUND,
        started_at=clock.wall(),
        caller=fields.get("From", "")[:MAX_PARTY],
        callee=fields.get("To", "")[:MAX_PARTY],
        attributes={"account_sid": fields.get("AccountSid", "")[:MAX_PARTY]},
    )


def _is_from_account(
    request: Request, form: list[tuple[str, str]], settings: TwilioSettings
) -> bool:
    url = public_address(request, settings.public_url, settings.trusted_proxies)
    signature = request.headers.get(SIGNATURE_HEADER, "")
    if not is_signed(settings.auth_token, url, form, signature):
        return False
    return not settings.account_sid or dict(form).get("AccountSid") == settings.account_sid


async def _body(request: Request) -> bytes | None:
    """The body, or None when it is too long or does not come to its end."""
    body = bytearray()
    try:
        async for chunk in request.stream():
            body += chunk
            if len(body) > MAX_BODY:
                return None
    except ClientDisconnect:
        return None
    return bytes(body)


def _fields(body: bytes) -> list[tuple[str, str]] | None:
    """The form's fields in order, blank ones too: Twilio signs them. None when unreadable."""
    try:
        text = body.decode("ascii")
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except ValueError:
        return None


def _problem(status: int, title: str, detail: str) -> JSONResponse:
    content = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(content, status, media_type="application/problem+json")
