"""What every engine at the other end of the internet shares: options, connections, refusals."""

import ssl
from collections.abc import Mapping
from functools import cache
from typing import Final
from urllib.parse import urlsplit

import httpx2
from pydantic import BaseModel, ConfigDict, Field, SecretStr
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from voice_agent.core.errors import (
    ProviderError,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)

CONNECT_WITHIN: Final = 1.0
"""Deadline of a connection with its TLS handshake (s)."""
KEEP_ALIVE: Final = 240.0
"""How long an idle HTTP connection is kept (s); the libraries' own 5 s cost a handshake a turn."""
LARGEST_MESSAGE: Final = 16 * 2**20
"""Bytes of one WebSocket message; synthesisers send more than the usual 1 MiB."""
LONGEST_PAUSE: Final = 120.0
"""A provider that asks for a longer pause than this (s) gets asked again after this one."""


class HostedOptions(BaseModel):
    """What every hosted engine needs to be told."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    api_key: SecretStr = Field(default=SecretStr(""), description="The provider's key.")
    base_url: str = Field(default="", description="Another address than the provider's own.")


def missing_key(options: HostedOptions, setting: str, variable: str) -> str:
    """What to do when there is no key, else nothing; `setting` is like `llm.openai`."""
    if options.api_key.get_secret_value():
        return ""
    return (
        f"no key: set {variable} (or api_key in engine_options {setting}); "
        "to try it without one: voice-agent simulate providers."
    )


def new_http_client(base_url: str, headers: Mapping[str, str]) -> httpx2.AsyncClient:
    """A client that keeps its connections between turns and never waits longer than told to.

    Phases have deadlines of their own elsewhere: any byte, a keep-alive comment too, would put
    off the library's read time-out.
    """
    encrypted = urlsplit(base_url).scheme == "https"
    return httpx2.AsyncClient(
        base_url=base_url,
        headers=dict(headers),
        http2=encrypted,
        # Loading certificates takes 40 ms; a plain address needs none.
        verify=_trusted("http") if encrypted else False,
        limits=httpx2.Limits(
            max_connections=200, max_keepalive_connections=64, keepalive_expiry=KEEP_ALIVE
        ),
        timeout=httpx2.Timeout(None, connect=CONNECT_WITHIN, pool=CONNECT_WITHIN),
        trust_env=not is_local(base_url),
    )


def is_local(url: str) -> bool:
    """Whether the address is on this machine, where no proxy is asked."""
    return urlsplit(url).hostname in ("127.0.0.1", "localhost", "::1")


async def open_socket(
    provider: str, url: str, headers: Mapping[str, str], *, within: float = CONNECT_WITHIN
) -> ClientConnection:
    """Connect a WebSocket without compression.

    Raises:
        ProviderError: as `refusal` has it where the provider answered, else unavailable.
    """
    try:
        return await connect(
            url,
            additional_headers=dict(headers),
            compression=None,
            max_size=LARGEST_MESSAGE,
            open_timeout=within,
            close_timeout=2,
            ping_interval=20,
            ping_timeout=20,
            proxy=None if is_local(url) else True,
            ssl=_trusted("websocket") if urlsplit(url).scheme == "wss" else None,
        )
    except InvalidStatus as error:
        response = error.response
        body = bytes(response.body or b"")[:500].decode("utf-8", "replace")
        pause = seconds(response.headers.get("retry-after"))
        raise refusal(provider, response.status_code, body, retry_after=pause) from None
    except (OSError, TimeoutError, WebSocketException) as error:
        raise ProviderUnavailable(
            f"no connection ({type(error).__name__})", provider=provider
        ) from None


@cache
def _trusted(_protocol: str) -> ssl.SSLContext:
    # Loading the certificates holds up the event loop for 40 ms: once, not for each call.
    return ssl.create_default_context()


def refusal(
    provider: str, status: int, detail: str, *, retry_after: float | None = None
) -> ProviderError:
    """The error for an HTTP status (docs/adr/0006 says which counts as what).

    `detail` is the provider's own sentence; it goes into the message.
    """
    text = f"HTTP {status}: {detail.strip() or 'no reason given'}"
    if status in (401, 402, 403, 404):
        return ProviderMisconfigured(text, provider=provider)
    if status == 429:
        return ProviderThrottled(text, provider=provider, retry_after=retry_after)
    if status in (408, 409, 425) or status >= 500:
        return ProviderUnavailable(text, provider=provider)
    return ProviderRejected(text, provider=provider)


def seconds(retry_after: str | None) -> float | None:
    """A Retry-After header's seconds, at most `LONGEST_PAUSE`; None for dates and nonsense."""
    try:
        value = float(retry_after or "")
    except ValueError:
        return None
    return min(value, LONGEST_PAUSE) if 0 <= value < float("inf") else None
