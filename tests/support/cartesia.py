"""Requests to a simulated Cartesia."""

from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from support.json_socket import talk_to
from voice_agent.simulation.providers.cartesia.rules import VOICE

OLD, NEW = "2025-04-16", "2026-08-14"
MULAW = {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000}
Fields = dict[str, Any]


def request(context: str, transcript: str = "", **more: Any) -> Fields:
    return {
        "context_id": context,
        "model_id": "sonic-3",
        "voice": VOICE,
        "output_format": MULAW,
        "transcript": transcript,
        "max_buffer_delay_ms": 0,
        **more,
    }


async def handshake(url: str, headers: dict[str, str]) -> tuple[int, str]:
    """Status and body of a refusal."""
    with pytest.raises(InvalidStatus) as failure:
        async with talk_to(url, headers):
            pass
    response = failure.value.response
    return response.status_code, bytes(response.body or b"").decode()
