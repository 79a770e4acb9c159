"""Whether a request was signed by Twilio, and the address it was signed for.

The signature covers the address as Twilio knows it: behind a proxy that ends TLS it differs
from the one we see. It is the configured public address, or else what the request says; the
headers of a proxy count only when the proxy is on the list.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, ImmutableMultiDict
from starlette.requests import HTTPConnection
from twilio.request_validator import RequestValidator

Parameters = Sequence[tuple[str, str]]
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def is_signed(auth_token: str, url: str, body: Parameters | str, signature: str) -> bool:
    """Whether `signature` fits; `body` is the form's fields, or the text of a JSON body.

    A JSON body counts only when the address carries its hash (`bodySHA256`).
    """
    if not auth_token or not signature:
        return False
    try:
        if isinstance(body, str) and "bodySHA256" not in parse_qs(urlsplit(url).query):
            return False
        given = body if isinstance(body, str) else ImmutableMultiDict[str, str](list(body))
        return bool(RequestValidator(auth_token).validate(url, given, signature))
    except ValueError:
        return False


def public_base(request: HTTPConnection, public_url: str, trusted: Iterable[str]) -> str:
    """Scheme, host and path prefix under which the world knows this server, no slash at its end."""
    if public_url:
        return public_url.rstrip("/")
    scheme: str = request.scope.get("scheme", "http")
    host = request.headers.get("host", "")
    peer = request.client.host if request.client else ""
    if is_trusted(peer, trusted):
        scheme = _forwarded(request.headers, "x-forwarded-proto") or scheme
        host = _forwarded(request.headers, "x-forwarded-host") or host
    return f"{_HTTP_SCHEMES.get(scheme, scheme)}://{host}"


_HTTP_SCHEMES = {"ws": "http", "wss": "https"}


def public_address(request: HTTPConnection, public_url: str, trusted: Iterable[str]) -> str:
    """The full address that was asked for, escapes and query as they came."""
    path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope.get("query_string", b"")
    tail = path + (b"?" + query if query else b"")
    return public_base(request, public_url, trusted) + tail.decode("latin-1")


def stream_address(base: str, path: str, *, configured: bool) -> str:
    """Where Twilio is to open the media stream.

    Always `wss`, but for a plain `http` base that is this machine's own or was configured.
    """
    parts = urlsplit(base)
    plain = parts.scheme == "http" and (configured or is_loopback(parts.hostname or ""))
    return f"{'ws' if plain else 'wss'}://{parts.netloc}{parts.path}{path}"


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_trusted(peer: str, trusted: Iterable[str]) -> bool:
    """Whether `peer` is one of the addresses or networks (`10.0.0.0/8`) in `trusted`."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network(item) for item in trusted)


@lru_cache(maxsize=256)
def network(text: str) -> _Network:
    """An address or network as a network.

    Raises:
        ValueError: it is neither.
    """
    return ipaddress.ip_network(text, strict=False)


def _forwarded(headers: Headers, name: str) -> str:
    """The value that the nearest proxy wrote: the last one."""
    return headers.get(name, "").rpartition(",")[2].strip()
