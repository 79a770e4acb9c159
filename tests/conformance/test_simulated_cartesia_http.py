"""The simulated Cartesia over HTTP."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from support.cartesia import NEW, OLD, handshake, request
from support.vendor import Vendor, serving_one
from voice_agent.simulation.providers.cartesia.rules import NAME
from voice_agent.simulation.providers.desk import VALID_KEY

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


async def test_event_streams_carry_bare_sound_only(vendor: Vendor) -> None:
    async with client(vendor, NEW) as http:
        mp3 = {"container": "mp3", "sample_rate": 44100, "bit_rate": 128000}
        answer = await http.post("/tts/sse", json=request("", "Hello.", output_format=mp3))
    assert answer.status_code == 400


async def test_errors_have_the_shape_of_their_version(vendor: Vendor) -> None:
    body = request("", "Hello.", model_id="sonic-2")
    async with client(vendor, NEW) as http:
        new = await http.post("/tts/bytes", json=body)
    async with client(vendor, OLD) as http:
        old = await http.post("/tts/bytes", json=body)
    assert new.json()["error_code"] == "model_discontinued"
    assert old.text == "Model discontinued: sonic-2 was discontinued on 2026-06-01."


async def test_the_version_is_required(vendor: Vendor) -> None:
    async with client(vendor, "") as http:
        assert (await http.get("/voices")).status_code == 400


async def test_saved_sound_has_a_file_id(vendor: Vendor) -> None:
    async with client(vendor, NEW) as http:
        answer = await http.post("/tts/bytes", json=request("", "Hello.", save=True))
    assert answer.headers["cartesia-file-id"]
    assert len(answer.content) == 2000


async def test_voices_are_paged_and_shown_as_their_version_does(vendor: Vendor) -> None:
    async with client(vendor, OLD) as http:
        first = (await http.get("/voices", params={"limit": 1})).json()
        after = {"limit": 100, "starting_after": first["data"][0]["id"]}
        rest = (await http.get("/voices", params=after)).json()
    assert first["has_more"] is True
    assert first["data"][0]["is_public"] is True
    assert first["data"][0] not in rest["data"]


async def test_a_short_or_silent_clip_is_refused(vendor: Vendor) -> None:
    async with client(vendor, NEW) as http:
        answer = await http.post(
            "/voices/clone", data={"name": "Mine", "language": "en"}, files={"clip": b"RIFF"}
        )
    assert answer.status_code == 400


async def test_a_token_without_the_grant_opens_nothing(vendor: Vendor) -> None:
    async with client(vendor, NEW) as http:
        made = await http.post("/access-token", json={"grants": {"stt": True}})
        too_long = await http.post("/access-token", json={"expires_in": 3601})
    headers = {"Authorization": f"Bearer {made.json()['token']}", "Cartesia-Version": NEW}
    assert (await handshake(f"{vendor.base}/tts/websocket", headers))[0] == 401
    assert too_long.status_code == 400


def client(vendor: Vendor, version: str) -> httpx2.AsyncClient:
    headers = {"X-API-Key": VALID_KEY} | ({"Cartesia-Version": version} if version else {})
    return httpx2.AsyncClient(base_url=vendor.base, headers=headers, trust_env=False)
