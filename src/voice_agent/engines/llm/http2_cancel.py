"""Telling an HTTP/2 server to stop.

Over HTTP/1.1 closing a response closes its connection, which stops the server. Over HTTP/2 the
library merely forgets the stream: the server would go on, be paid for it, and use up the shared
connection's window with bytes that nobody takes.
"""

import contextlib
from typing import Any, Final

import httpcore2
import httpx2
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError

_LOST: Final = (
    ProtocolError,
    httpcore2.NetworkError,
    httpcore2.ProtocolError,
    httpcore2.TimeoutException,
)


async def cancel_stream(response: httpx2.Response) -> None:
    """Reset the response's stream if it has one of its own and it is not over.

    A connection that is lost already is nobody's trouble here.
    """
    stream = _http2_stream(response)
    if stream is None:
        return
    # The library has no public way to reset one stream of a connection.
    connection = stream._connection  # noqa: SLF001
    with contextlib.suppress(*_LOST):
        connection._h2_state.reset_stream(stream._stream_id, ErrorCodes.CANCEL)  # noqa: SLF001
        await connection._write_outgoing_data(stream._request)  # noqa: SLF001


def _http2_stream(response: httpx2.Response) -> Any:
    """The innermost stream, None where it is not one of HTTP/2."""
    if response.http_version != "HTTP/2":
        return None
    stream: Any = response.stream
    while stream is not None and not hasattr(stream, "_stream_id"):
        stream = getattr(stream, "_httpcore_stream", None) or getattr(stream, "_stream", None)
    return stream
