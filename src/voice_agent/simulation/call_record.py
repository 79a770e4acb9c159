"""Fetches a call's record from the server, once the call is written down there."""

from typing import Any, Final
from urllib.parse import quote, urljoin, urlsplit

import anyio
import httpx2

from voice_agent.core.errors import NotFoundError

WRITTEN_WITHIN: Final = 6.0
"""Seconds a server may take to write down a call that ended."""
ASK_EVERY: Final = 0.2


def http_root(url: str) -> str:
    """The http(s) root of a server given by any of its URLs."""
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return f"{scheme}://{parts.netloc}/"


async def fetch_record(client: httpx2.AsyncClient, url: str, call_id: str) -> dict[str, Any]:
    """The ended call's record.

    Raises:
        NotFoundError: the server does not have it, or not in time; the message says which.
    """
    address = urljoin(http_root(url), f"/api/call-logs/{quote(call_id, safe='')}")
    problem = "it is not written yet"
    with anyio.move_on_after(WRITTEN_WITHIN):
        while True:
            try:
                response = await client.get(address)
            except httpx2.ConnectError:
                problem = "nothing answers there any more"
                break
            except httpx2.HTTPError as error:
                problem = str(error) or type(error).__name__
            else:
                problem = f"the server answered {response.status_code}"
                if response.status_code == 200:
                    record = response.json()
                    if isinstance(record, dict) and record.get("disposition"):
                        return record
                    problem = "the call has not ended there"
            await anyio.sleep(ASK_EVERY)
    raise NotFoundError(f"no record of the call at {address}: {problem}")
