"""Requests to one simulated provider without a socket between."""

import contextlib
from collections.abc import AsyncIterator, Mapping

import httpx2

from support.simulated_providers import desk
from voice_agent.simulation.providers.desk import VALID_KEY, Desk
from voice_agent.simulation.providers.server import provider_app


@contextlib.asynccontextmanager
async def visiting(
    provider: str, headers: Mapping[str, str], simulated: Desk | None = None
) -> AsyncIterator[httpx2.AsyncClient]:
    """A client below the provider's address; it sends `headers` with everything."""
    transport = httpx2.ASGITransport(app=provider_app(simulated or desk()))
    base = f"http://simulated/{provider}"
    async with httpx2.AsyncClient(
        transport=transport, base_url=base, headers=dict(headers)
    ) as client:
        yield client


def bearer(key: str = VALID_KEY) -> dict[str, str]:
    """The header of most."""
    return {"authorization": f"Bearer {key}"}
