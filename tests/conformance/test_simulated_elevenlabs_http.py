"""The simulated ElevenLabs over HTTP: what it refuses, and what its headers tell."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from support.vendor import Vendor, serving_one
from voice_agent.simulation.providers.desk import VALID_KEY
from voice_agent.simulation.providers.elevenlabs.rules import NAME, VOICE, Rules
from voice_agent.simulation.providers.faults import Fault, FaultKind

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def server(anyio_backend: str) -> AsyncIterator[Vendor]:
    async with serving_one(NAME) as vendor:
        yield vendor


@pytest.fixture
def vendor(server: Vendor) -> Vendor:
    server.renew()
    return server


async def test_what_is_wrong_is_refused(vendor: Vendor) -> None:
    path = "/v1/text-to-speech"
    async with _client(vendor) as client:
        for place, more, status in (
            (VOICE, {"text": None}, 400),
            (VOICE, {"text": " "}, 400),
            ("nobody", {}, 404),
            (f"{VOICE}?output_format=opus_48000_32", {}, 400),
            (VOICE, {"model_id": "eleven_monolithic"}, 400),
            (VOICE, {"model_id": ["eleven_v3"]}, 400),
            (VOICE, {"model_id": "eleven_v3", "previous_text": "x"}, 400),
            (VOICE, {"text": "x" * 10_001}, 400),
            (VOICE, {"voice_settings": {"speed": 3}}, 400),
            (VOICE, {"seed": -1}, 400),
            (VOICE, {"previous_request_ids": ["a", "b", "c", "d"]}, 400),
        ):
            answer = await client.post(f"{path}/{place}", json={"text": "Hello", **more})
            assert answer.status_code == status, (place, more)
        assert (await client.post(f"{path}/{VOICE}", json={})).status_code == 422


async def test_errors_have_the_shape_of_their_time(vendor: Vendor) -> None:
    new = await _post(vendor, "nobody", {"text": "Hello"})
    vendor.rule(Rules(legacy_errors=True))
    old = await _post(vendor, "nobody", {"text": "Hello"})
    assert set(new.json()["detail"]) >= {"type", "code", "message", "status", "request_id"}
    assert set(old.json()["detail"]) == {"status", "message"}
    assert (new.status_code, old.status_code) == (404, 400)


async def test_headers_tell_cost_and_concurrency(vendor: Vendor) -> None:
    answer = await _post(vendor, VOICE, {"text": "Hello"})
    assert answer.headers["character-cost"] == "5"
    assert answer.headers["current-concurrent-requests"] == "1"
    assert answer.headers["request-id"]


async def test_too_many_at_once_are_throttled(vendor: Vendor) -> None:
    vendor.rule(Rules(concurrency=1))
    vendor.take_time(between=0.2)
    async with _client(vendor) as client:
        path = f"/v1/text-to-speech/{VOICE}/stream"
        async with client.stream("POST", path, json={"text": "One. Two."}) as first:
            pieces = first.aiter_raw()
            await anext(pieces)
            answer = await client.post(path, json={"text": "Three."})
    assert answer.status_code == 429
    assert answer.json()["detail"]["code"] == "concurrent_limit_exceeded"


async def test_bad_days_come_over_http_too(vendor: Vendor) -> None:
    for kind, status in (
        (FaultKind.UNAUTHORIZED, 401),
        (FaultKind.THROTTLE, 429),
        (FaultKind.ERROR, 500),
    ):
        vendor.order(Fault(provider=NAME, kind=kind, times=1, retry_after=2))
        answer = await _post(vendor, f"{VOICE}/stream", {"text": "Hello"})
        assert answer.status_code == status
        assert (answer.headers.get("retry-after") == "2") is (status == 429)


async def test_a_stream_may_be_cut_or_reset(vendor: Vendor) -> None:
    vendor.order(Fault(provider=NAME, kind=FaultKind.CUT, after=1, times=1))
    path = f"{VOICE}/stream?output_format=ulaw_8000"
    cut = await _post(vendor, path, {"text": "One two. Three four."})
    assert len(cut.content) < 8000
    vendor.order(Fault(provider=NAME, kind=FaultKind.RESET, after=1, times=1))
    with pytest.raises(httpx2.TransportError):
        await _post(vendor, path, {"text": "One two. Three four."})


async def test_tags_are_carried_out_over_http(vendor: Vendor) -> None:
    text = 'One <break time="1.5s" /> two.'
    answer = await _post(vendor, f"{VOICE}?output_format=ulaw_8000", {"text": text})
    assert len(answer.content) == 16000


async def _post(vendor: Vendor, path: str, body: dict[str, Any]) -> httpx2.Response:
    async with _client(vendor) as client:
        return await client.post(f"/v1/text-to-speech/{path}", json=body)


def _client(vendor: Vendor) -> httpx2.AsyncClient:
    headers = {"xi-api-key": VALID_KEY}
    return httpx2.AsyncClient(base_url=vendor.base, headers=headers, trust_env=False)
