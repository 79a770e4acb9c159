"""The simulated phone: does towards a server what Twilio, or a browser, does for a caller."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin, urlsplit, urlunsplit
from uuid import uuid4

import anyio
import httpx2
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from voice_agent.core.audio import PHONE, WIDEBAND
from voice_agent.core.errors import PermissionDeniedError, ProtocolError, TransportClosed
from voice_agent.simulation import twiml
from voice_agent.simulation.browser_line import BrowserLine
from voice_agent.simulation.handset import Caller, Handset, Recording
from voice_agent.simulation.phone_line import LineIdentity, PhoneLine
from voice_agent.simulation.socket_loop import (
    OPENING_ERRORS,
    REFUSED_CODE,
    EndedBy,
    StreamEnd,
    is_loopback,
    not_opened,
    open_socket,
    run_stream,
)

WEBHOOK: Final = "/twilio-webhook"
WEBHOOK_TIMEOUT: Final = 15.0
READY_TIMEOUT: Final = 10.0
MOST_REDIRECTS: Final = 10

OnAnswer = Callable[[Handset], None]
"""Called when the call is answered, with the handset that can be watched."""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Who calls whom on which account; the numbers are reserved for fiction."""

    auth_token: str
    account_sid: str = "AC" + "0" * 32
    number: str = "+12025550143"
    called: str = "+12025550100"


@dataclass(slots=True)
class PhoneResult:
    """What the phone knows after the call.

    `end` is None when no stream was opened; `said_by_line` are texts of TwiML's own voice.
    """

    call_id: str
    recording: Recording
    end: StreamEnd | None = None
    refused: str = ""
    disposition: str = ""
    warnings: list[str] = field(default_factory=list)
    line_errors: Counter[int] = field(default_factory=Counter)
    said_by_line: list[str] = field(default_factory=list)


def new_client(url: str) -> httpx2.AsyncClient:
    """An HTTP client with Twilio's time-out; many calls may share one."""
    return httpx2.AsyncClient(timeout=WEBHOOK_TIMEOUT, trust_env=not is_loopback(url))


class TwilioPhone:
    """Places calls through a server's Twilio webhook and Media Stream."""

    def __init__(self, url: str, subscriber: Subscriber, client: httpx2.AsyncClient) -> None:
        """`url` is the server's root; `client` may be shared by many calls."""
        self._webhook = urljoin(url, WEBHOOK)
        self._subscriber = subscriber
        self._validator = RequestValidator(subscriber.auth_token)
        self._client = client

    async def call(self, caller: Caller, on_answer: OnAnswer = lambda _: None) -> PhoneResult:
        """One call from ringing to its end.

        Raises:
            TransportClosed: nothing answers, or the stream cannot be opened.
            PermissionDeniedError: the signature or the stream's token was refused.
            ProtocolError: the answer is not TwiML.
        """
        handset = Handset(caller, PHONE)
        result = PhoneResult("CA" + uuid4().hex, handset.recording)
        verbs = await self._ask(self._webhook, "POST", result, "ringing")
        for _ in range(MOST_REDIRECTS + 1):
            redirect = await self._follow(verbs, handset, result, on_answer)
            if redirect is None:
                return result
            target = urljoin(self._webhook, redirect.url)
            verbs = await self._ask(target, redirect.method, result, "in-progress")
        raise ProtocolError(f"the TwiML redirects more than {MOST_REDIRECTS} times")

    async def _ask(
        self, url: str, method: str, result: PhoneResult, status: str
    ) -> list[twiml.Verb]:
        values = call_parameters(self._subscriber, result.call_id, status)
        if method == "GET":
            url = str(httpx2.URL(url, params=values))
        signature = self._validator.compute_signature(url, {} if method == "GET" else values)
        headers = {"X-Twilio-Signature": signature, "I-Twilio-Idempotency-Token": str(uuid4())}
        try:
            response = await self._client.request(
                method, url, data=None if method == "GET" else values, headers=headers
            )
        except httpx2.HTTPError as error:
            raise TransportClosed(_unreachable(url, error)) from None
        _check_status(response.status_code, url)
        return twiml.read_twiml(response.content)

    async def _follow(
        self,
        verbs: list[twiml.Verb],
        handset: Handset,
        result: PhoneResult,
        on_answer: OnAnswer,
    ) -> twiml.Redirect | None:
        for verb in verbs:
            match verb:
                case twiml.ConnectStream():
                    await self._stream(verb, handset, result, on_answer)
                    if result.end and result.end.by is EndedBy.CALLER:
                        return None
                case twiml.Say(text):
                    result.said_by_line.append(text)
                    await anyio.sleep(verb.seconds)
                case twiml.Pause(seconds):
                    await anyio.sleep(seconds)
                case twiml.Redirect():
                    return verb
                case twiml.Reject(reason):
                    result.refused = reason
                    return None
                case twiml.Hangup():
                    return None
                case twiml.Unsupported(name):
                    result.warnings.append(f"<{name}> is nothing this phone can do; left out")
        return None

    async def _stream(
        self,
        verb: twiml.ConnectStream,
        handset: Handset,
        result: PhoneResult,
        on_answer: OnAnswer,
    ) -> None:
        identity = LineIdentity(self._subscriber.account_sid, result.call_id, "MZ" + uuid4().hex)
        line = PhoneLine(identity, verb.parameters)
        handset.connect(line)
        headers = {"X-Twilio-Signature": self._validator.compute_signature(verb.url, {})}
        try:
            socket = await open_socket(verb.url, headers)
        except OPENING_ERRORS as error:
            raise not_opened(verb.url, error) from None
        on_answer(handset)
        result.end = await run_stream(socket, handset, line.opening(), line.closing)
        result.line_errors += line.errors
        result.warnings += line.explanations
        _check_end(result.end)


class BrowserPhone:
    """Places calls over a server's browser voice socket."""

    def __init__(self, url: str) -> None:
        """`url` is the socket's, ws:// or wss://."""
        self._url = url

    async def call(self, caller: Caller, on_answer: OnAnswer = lambda _: None) -> PhoneResult:
        """One call from hello to its end.

        Raises:
            TransportClosed: nothing answers or the server is never ready.
            PermissionDeniedError: the socket was refused.
        """
        handset = Handset(caller, WIDEBAND)
        line = BrowserLine()
        handset.connect(line)
        try:
            socket = await open_socket(self._url)
        except OPENING_ERRORS as error:
            raise not_opened(self._url, error) from None
        async with socket:
            await self._until_ready(socket, line)
            on_answer(handset)
            end = await run_stream(socket, handset, (), line.closing)
        _check_end(end)
        result = PhoneResult(line.call_id, handset.recording, end, disposition=line.disposition)
        result.line_errors += line.errors
        result.warnings += line.explanations + ([line.trouble] if line.trouble else [])
        return result

    async def _until_ready(self, socket: ClientConnection, line: BrowserLine) -> None:
        try:
            with anyio.move_on_after(READY_TIMEOUT):
                for message in line.opening():
                    await socket.send(message)
                while not line.call_id and not line.trouble:
                    line.receive(await socket.recv())
        except ConnectionClosed as closed:
            line.trouble = line.trouble or str(closed)
        if not line.call_id:
            raise TransportClosed(f"{self._url} is not ready: {line.trouble or 'no answer'}")


def call_parameters(subscriber: Subscriber, call_sid: str, status: str) -> dict[str, str]:
    """The form Twilio posts for a call, blank values included (they are signed too)."""
    places = ("City", "State", "Zip", "Country")
    ends = {"From": subscriber.number, "To": subscriber.called}
    ends |= {"Caller": subscriber.number, "Called": subscriber.called}
    blank = {end + place: "" for end in ends for place in places}
    return {
        **blank,
        **ends,
        "AccountSid": subscriber.account_sid,
        "ApiVersion": "2010-04-01",
        "CallSid": call_sid,
        "CallStatus": status,
        "Direction": "inbound",
        "StirVerstat": "TN-Validation-Passed-A",
    }


def _check_status(status: int, url: str) -> None:
    if status == 403:
        raise PermissionDeniedError(
            f"{url} refused the phone's signature: its auth token is not the server's; give the "
            "server's with --auth-token, or run both with the same VOICE_AGENT_DATA_DIR"
        )
    if status == 404:
        raise ProtocolError(f"{url} does not exist: is this a Voice Agent server?")
    if not 200 <= status < 300:
        raise TransportClosed(f"{url} answered {status}; its log says why")


def _check_end(end: StreamEnd) -> None:
    if end.code == REFUSED_CODE and end.by is not EndedBy.CALLER:
        raise PermissionDeniedError(f"the server refused the stream: {end.reason or 'no reason'}")


def _unreachable(url: str, error: Exception) -> str:
    root = urlunsplit((*urlsplit(url)[:2], "", "", ""))
    if isinstance(error, httpx2.TimeoutException):
        return f"{root} did not answer within {WEBHOOK_TIMEOUT:g} s"
    if not isinstance(error, httpx2.ConnectError):
        return f"the connection to {root} broke ({type(error).__name__}); is the server running?"
    return f"nothing answers at {root}; start the server with `make run`"
