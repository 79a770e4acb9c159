"""What Twilio knows: its calls, recordings and conferences, and whom it tells about them."""

import base64
import binascii
import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Final

import anyio
import httpx2
from starlette.requests import Request
from starlette.responses import Response
from twilio.request_validator import RequestValidator

from voice_agent.core.clock import Clock, LoopClock
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.stream import Handler, Refused, endpoint
from voice_agent.simulation.providers.twilio.errors import DIALECT, not_found, unauthorized
from voice_agent.simulation.providers.twilio.form import Form

VERSION: Final = "2010-04-01"
CALLS_PER_SECOND: Final = 1.0
"""More calls are accepted too, but wait in the queue."""
ANSWER_WITHIN: Final = 15.0
"""How long a webhook may take (s)."""
_KEY_LENGTH: Final = 34

Answering = Callable[[Request, Form], Awaitable[Response]]


@dataclass(slots=True)
class PhoneCall:
    """One call; `token` signs what is said about it."""

    sid: str
    account: str
    token: str
    form: Form
    created: datetime
    status: str = "queued"
    queue_time: float = 0.0
    started: datetime | None = None
    ended: datetime | None = None
    told: int = 0
    instructions: str = ""

    @property
    def over(self) -> bool:
        """Whether nothing more can happen to it."""
        return self.status in ("completed", "busy", "failed", "no-answer", "canceled")


@dataclass(slots=True)
class Recording:
    """One recording of a call."""

    sid: str
    call: PhoneCall
    form: Form
    started: datetime
    status: str = "in-progress"
    ended: datetime | None = None


@dataclass(slots=True)
class Participant:
    """A call in a conference."""

    call: PhoneCall
    label: str
    flags: dict[str, bool]
    call_sid_to_coach: str = ""


@dataclass(slots=True)
class Conference:
    """A room that calls meet in."""

    sid: str
    name: str
    account: str
    created: datetime
    status: str = "init"
    participants: dict[str, Participant] = field(default_factory=dict)


class Exchange:
    """The state of one simulated Twilio."""

    def __init__(self, desk: Desk) -> None:
        """Begin without any calls."""
        self.desk = desk
        self.clock: Clock = LoopClock()
        self.calls: dict[str, PhoneCall] = {}
        self.recordings: dict[str, Recording] = {}
        self.conferences: dict[str, Conference] = {}
        self._free_at = 0.0

    def endpoint(self, handle: Answering) -> Callable[[Request], Awaitable[Response]]:
        """A handler for those who show an account and its token."""

        async def respond(request: Request, raw: bytes) -> Response:
            self._authorize(request)
            await self.desk.wait(DIALECT.provider, first=True)
            response = await handle(request, Form.read(raw))
            response.headers["twilio-request-id"] = new_sid("RQ")
            return response

        handler: Handler = respond
        return endpoint(self.desk, DIALECT, handler)

    def token(self, request: Request) -> str:
        """What the request was authorised with; it signs the callbacks."""
        return _credentials(request)[1]

    def queue(self) -> float:
        """How long a new call waits for its turn (s)."""
        now = self.clock.now()
        start = max(now, self._free_at)
        self._free_at = start + 1 / CALLS_PER_SECOND
        return start - now

    def call(self, request: Request) -> PhoneCall:
        """The call that the path names.

        Raises:
            Refused: there is none.
        """
        call = self.calls.get(request.path_params["call"])
        if not call or call.account != request.path_params["account"]:
            raise not_found(vendor_path(request))
        return call

    def _authorize(self, request: Request) -> None:
        user, token = _credentials(request)
        account = request.path_params["account"]
        known = user == account or user.startswith("SK")
        if not known or len(account) != _KEY_LENGTH or token not in self.desk.keys:
            raise Refused(unauthorized())


def new_sid(kind: str) -> str:
    """An identifier of Twilio's form."""
    return kind + uuid.uuid4().hex


def vendor_path(request: Request) -> str:
    """The path as Twilio would see it."""
    return "/" + VERSION + request.url.path.partition(VERSION)[2]


def mail_date(moment: datetime | None) -> str | None:
    """`Sun, 22 Nov 2026 10:00:00 +0000`."""
    return format_datetime(moment) if moment else None


async def tell(url: str, token: str, parameters: Mapping[str, str]) -> None:
    """Post a signed callback; nobody minds if it does not arrive."""
    signature = RequestValidator(token).compute_signature(url, dict(parameters))
    headers = {"X-Twilio-Signature": signature, "I-Twilio-Idempotency-Token": str(uuid.uuid4())}
    timeout = httpx2.Timeout(ANSWER_WITHIN)
    with anyio.move_on_after(ANSWER_WITHIN):
        async with httpx2.AsyncClient(timeout=timeout, trust_env=False) as client:
            try:
                await client.post(url, data=dict(parameters), headers=headers)
            except httpx2.HTTPError:
                return


def _credentials(request: Request) -> tuple[str, str]:
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, token = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        return "", ""
    return user, token
