"""The vendors' own clients, pointed at the simulated providers."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import anthropic
import httpx2
import openai
from google import genai
from google.genai import types
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client as TwilioClient

from support.simulated_providers import serving
from voice_agent.simulation.providers.desk import VALID_KEY, Desk


def transport() -> httpx2.AsyncClient:
    """Without certificates, whose loading is most of what making a client costs."""
    return httpx2.AsyncClient(trust_env=False, verify=False)


ACCOUNT = "AC" + "0123456789abcdef" * 2


@contextlib.asynccontextmanager
async def openai_client(simulated: Desk, key: str = VALID_KEY) -> AsyncIterator[openai.AsyncOpenAI]:
    """Never tries twice."""
    async with (
        serving(simulated) as url,
        openai.AsyncOpenAI(
            base_url=f"{url}/openai/v1", api_key=key, max_retries=0, http_client=transport()
        ) as client,
    ):
        yield client


@contextlib.asynccontextmanager
async def anthropic_client(
    simulated: Desk, key: str = VALID_KEY
) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """Never tries twice."""
    async with (
        serving(simulated) as url,
        anthropic.AsyncAnthropic(
            base_url=f"{url}/anthropic", api_key=key, max_retries=0, http_client=transport()
        ) as client,
    ):
        yield client


@contextlib.asynccontextmanager
async def gemini_client(
    simulated: Desk, key: str = VALID_KEY, version: str = "v1"
) -> AsyncIterator[genai.client.AsyncClient]:
    """Its transport is pinned: which one it takes else depends on what is installed."""
    async with serving(simulated) as url, transport() as http:
        options = types.HttpOptions(
            base_url=f"{url}/gemini", api_version=version, httpx_async_client=http
        )
        client = genai.Client(api_key=key, http_options=options)
        try:
            yield client.aio
        finally:
            client.close()


class _Redirected(TwilioHttpClient):  # type: ignore[misc]
    """Twilio's client knows no other host than Twilio's."""

    def __init__(self, base: str) -> None:
        super().__init__(timeout=10, max_retries=0)
        self._base = base

    def request(self, method: str, url: str, *rest: Any, **named: Any) -> Any:
        """The same, somewhere else."""
        there = url.replace("https://api.twilio.com", self._base)
        return super().request(method, there, *rest, **named)

    def close(self) -> None:
        """Close the connections it keeps."""
        if self.session:
            self.session.close()


@contextlib.asynccontextmanager
async def twilio_client(simulated: Desk, token: str = VALID_KEY) -> AsyncIterator[TwilioClient]:
    """It blocks: use it in a thread."""
    async with serving(simulated) as url:
        http = _Redirected(f"{url}/twilio")
        try:
            yield TwilioClient(ACCOUNT, token, http_client=http)
        finally:
            http.close()
