"""Plain HTTP requests to a voice provider: lists, clones, previews, probes."""

from collections.abc import Callable
from typing import Any, Final

import anyio
import httpx2
import orjson

from voice_agent.core.errors import ProviderError, ProviderGarbage, ProviderUnavailable
from voice_agent.engines.hosted import seconds

ANSWER_WITHIN: Final = 10.0
"""Deadline of lists and probes (s)."""
UPLOAD_WITHIN: Final = 120.0
"""Deadline of a voice sample's upload, or of a whole preview (s)."""

Refuse = Callable[[int, bytes, float | None], ProviderError]
"""The error for a status, a body and a pause (s) asked for."""


class HostedRequests:
    """Requests of one provider; every failure is a `ProviderError`."""

    def __init__(self, provider: str, client: httpx2.AsyncClient, refuse: Refuse) -> None:
        """`client` knows the address and the key."""
        self._provider = provider
        self._client = client
        self._refuse = refuse

    async def json(
        self, method: str, path: str, *, within: float = ANSWER_WITHIN, **content: Any
    ) -> dict[str, Any]:
        """The answer as a JSON object."""
        body = await self.body(method, path, within=within, **content)
        try:
            answer = orjson.loads(body)
        except orjson.JSONDecodeError:
            answer = None
        if not isinstance(answer, dict):
            raise ProviderGarbage("its answer is no JSON object", provider=self._provider)
        return answer

    async def body(
        self, method: str, path: str, *, within: float = ANSWER_WITHIN, **content: Any
    ) -> bytes:
        """The answer's bytes."""
        try:
            with anyio.fail_after(within):
                response = await self._client.request(method, path, **content)
        except (httpx2.HTTPError, TimeoutError) as error:
            raise self.unavailable(error) from None
        if not response.is_success:
            raise self.refusal(response, response.content)
        return response.content

    def refusal(self, response: httpx2.Response, body: bytes) -> ProviderError:
        """The error for an answer that is none."""
        pause = seconds(response.headers.get("retry-after"))
        return self._refuse(response.status_code, body[:4000], pause)

    def unavailable(self, error: Exception) -> ProviderUnavailable:
        """The error for a connection that failed."""
        return ProviderUnavailable(f"no answer ({type(error).__name__})", provider=self._provider)
