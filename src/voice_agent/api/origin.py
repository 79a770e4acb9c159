"""Whether a page that opens a socket is one of ours: browsers send cookies to anybody's socket."""

from urllib.parse import urlsplit

from starlette.requests import HTTPConnection

_PORTS = {"http": 80, "https": 443}


def is_same_origin(request: HTTPConnection) -> bool:
    """Whether the Origin header, when there is one, names the host that was asked for.

    Schemes are not compared: a proxy may end TLS.
    """
    origin = request.headers.get("origin")
    if origin is None:
        return True
    try:
        page = urlsplit(origin)
        default = _PORTS.get(page.scheme)
        asked = urlsplit(f"//{request.headers.get('host', '')}")
        host = (asked.hostname, asked.port or default)
        return bool(page.hostname) and (page.hostname, page.port or default) == host
    except ValueError:
        return False
