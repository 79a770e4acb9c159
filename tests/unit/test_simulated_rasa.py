"""The simulated Rasa server behaves like one."""

from typing import Any

import pytest

from support.provider_requests import visiting
from voice_agent.simulation.providers.desk import VALID_KEY

pytestmark = pytest.mark.anyio

TOKEN = {"token": VALID_KEY}


async def parse(text: str) -> dict[str, Any]:
    async with visiting("rasa", {}) as client:
        answer = await client.post("/model/parse", params=TOKEN, json={"text": text})
    assert answer.status_code == 200
    parsed: dict[str, Any] = answer.json()
    return parsed


async def test_it_says_hello_and_its_version_to_anybody() -> None:
    async with visiting("rasa", {}) as client:
        assert (await client.get("/")).text.startswith("Hello from Rasa: 3.")
        assert (await client.get("/version")).json()["version"].startswith("3.")


async def test_an_intent_has_its_confidence_and_entities_their_place() -> None:
    text = "where is my order 1042"
    parsed = await parse(text)
    assert parsed["intent"]["name"] == "check_order_status"
    assert parsed["intent"]["confidence"] > 0.3
    (entity,) = parsed["entities"]
    assert (entity["entity"], entity["value"]) == ("order_id", "1042")
    assert text[entity["start"] : entity["end"]] == "1042"
    assert parsed["intent_ranking"][0] == parsed["intent"]


async def test_what_it_does_not_understand_is_a_fallback() -> None:
    assert (await parse("colourless green ideas"))["intent"]["name"] == "nlu_fallback"


async def test_no_text_is_no_intent() -> None:
    parsed = await parse("")
    assert parsed["intent"] == {"name": None, "confidence": 0.0}
    assert parsed["entities"] == []


async def test_text_that_begins_with_a_slash_is_an_intent_s_name() -> None:
    parsed = await parse('/greet{"name":"Rasa"}')
    assert parsed["intent"] == {"name": "greet", "confidence": 1.0}
    assert [(e["entity"], e["value"]) for e in parsed["entities"]] == [("name", "Rasa")]


async def test_the_token_counts_only_in_the_query() -> None:
    async with visiting("rasa", {"authorization": f"Bearer {VALID_KEY}"}) as client:
        answer = await client.post("/model/parse", json={"text": "hi", "token": VALID_KEY})
    assert (answer.status_code, answer.json()["reason"]) == (401, "NotAuthenticated")


async def test_without_a_model_there_is_a_conflict() -> None:
    async with visiting("rasa", {}) as client:
        assert (await client.delete("/model", params=TOKEN)).status_code == 204
        for answer in (
            await client.get("/status", params=TOKEN),
            await client.post("/model/parse", params=TOKEN, json={"text": "hi"}),
        ):
            assert (answer.status_code, answer.json()["reason"]) == (409, "Conflict")
        path = {"model_file": "/app/models/other.tar.gz"}
        assert (await client.put("/model", params=TOKEN, json=path)).status_code == 204
        status = await client.get("/status", params=TOKEN)
    assert status.json()["model_file"] == "other.tar.gz"


async def test_whatever_cannot_be_parsed_is_a_fault_of_the_server() -> None:
    async with visiting("rasa", {}) as client:
        empty = await client.post("/model/parse", params=TOKEN)
        broken = [
            await client.post("/model/parse", params=TOKEN, content=content)
            for content in (b"{", b"[]", b'{"txt": "hi"}', b'{"text": 7}')
        ]
    assert (empty.status_code, empty.json()["reason"]) == (400, "BadRequest")
    assert {(a.status_code, a.json()["reason"]) for a in broken} == {(500, "ParsingError")}
