"""Documents over the API: upload, list, delete, ask."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI

from support.documents import CountingEmbedder, a_docx, a_zip_bomb
from support.storage import NOW
from voice_agent.api.errors import install_error_handlers
from voice_agent.api.knowledge import router
from voice_agent.knowledge.folder import KnowledgeFolder
from voice_agent.knowledge.retrieve import Knowledge
from voice_agent.knowledge.searcher import SearchPolicy
from voice_agent.storage.sql.repositories.unanswered import UnansweredQuestion

pytestmark = pytest.mark.anyio

PROBLEM = "application/problem+json"


class Questions:
    """One question is open."""

    async def newest(self, limit: int = 100) -> Sequence[UnansweredQuestion]:
        del limit
        return [UnansweredQuestion(1, "do you sell maps", "call-1", 2, NOW)]


@dataclass
class Services:
    """What the router finds on the application."""

    knowledge: Knowledge
    unanswered: Questions = field(default_factory=Questions)


@asynccontextmanager
async def agent(folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    documents = KnowledgeFolder(folder / "documents", samples=False)
    policy = SearchPolicy(threshold=0.3, meaning=0.5)
    app = FastAPI()
    app.include_router(router)
    install_error_handlers(app)
    app.state.services = Services(
        Knowledge(documents, folder / "index", CountingEmbedder(), policy)
    )
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://agent") as client:
        yield client


async def send(client: httpx2.AsyncClient, name: str, data: bytes) -> httpx2.Response:
    return await client.post("/api/knowledge", files={"file": (name, data)})


async def test_a_document_is_uploaded_listed_asked_and_deleted(tmp_path: Path) -> None:
    async with agent(tmp_path) as client:
        made = await send(client, "shipping.md", b"# Shipping\n\nExpress costs 15 dollars.")
        assert (made.status_code, made.json()["pieces"]) == (201, 1)
        listed = (await client.get("/api/knowledge")).json()
        assert [one["source"] for one in listed["documents"]] == ["shipping.md"]
        question = {"question": "what does express cost", "passages": 2}
        told = (await client.post("/api/knowledge/ask", json=question)).json()
        assert told["answered"]
        assert told["answer"] == "Express costs 15 dollars."
        assert told["passages"][0]["source"] == "shipping.md"
        assert told["passages"][0]["score"] > 0.3
        gone = await client.delete("/api/knowledge/shipping.md")
        assert gone.status_code == 204
        told = (await client.post("/api/knowledge/ask", json=question)).json()
        assert told == {"answered": False, "answer": None, "passages": []}


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.json", b"{", "not JSON"),
        ("a.docx", a_zip_bomb(), "zip bomb"),
        ("a.exe", b"MZ", "not read"),
        ("a.txt", b"", "empty"),
        ("../../a.txt", b"hello", "name"),
    ],
)
async def test_a_bad_file_is_a_problem_with_name_and_reason(
    tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    async with agent(tmp_path) as client:
        refused = await send(client, name, data)
        assert refused.status_code == 400
        assert refused.headers["content-type"] == PROBLEM
        assert refused.json()["code"] == "document_refused"
        assert reason in refused.json()["detail"]
        assert (await client.get("/api/knowledge")).json()["count"] == 0


async def test_a_docx_is_uploaded(tmp_path: Path) -> None:
    async with agent(tmp_path) as client:
        assert (await send(client, "rentals.docx", a_docx())).status_code == 201


async def test_too_large_an_upload_is_refused_before_it_is_read(tmp_path: Path) -> None:
    async with agent(tmp_path) as client:
        headers = {"content-length": str(50 * 1024 * 1024)}
        refused = await client.post("/api/knowledge", content=b"x", headers=headers)
        assert (refused.status_code, refused.headers["content-type"]) == (413, PROBLEM)


async def test_an_upload_must_tell_its_length_and_hold_a_file(tmp_path: Path) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"x"

    async with agent(tmp_path) as client:
        assert (await client.post("/api/knowledge", content=pieces())).status_code == 411
        assert (await client.post("/api/knowledge", data={"file": "x"})).status_code == 400
        assert (await client.post("/api/knowledge", content=b"x")).status_code == 400


async def test_what_is_not_there_cannot_be_deleted(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    async with agent(tmp_path) as client:
        for name in ("nothing.md", "..%2fsecret.txt", "%2e%2e/secret.txt"):
            assert (await client.delete(f"/api/knowledge/{name}")).status_code == 404
    assert (tmp_path / "secret.txt").exists()


@pytest.mark.parametrize(
    "body", [{}, {"question": ""}, {"question": "x" * 1001}, {"question": "x", "passages": 11}]
)
async def test_a_question_that_does_not_fit_is_a_problem(
    tmp_path: Path, body: dict[str, object]
) -> None:
    async with agent(tmp_path) as client:
        refused = await client.post("/api/knowledge/ask", json=body)
        assert (refused.status_code, refused.headers["content-type"]) == (422, PROBLEM)


async def test_another_sites_page_cannot_upload(tmp_path: Path) -> None:
    async with agent(tmp_path) as client:
        refused = await client.post(
            "/api/knowledge",
            files={"file": ("a.txt", b"hello")},
            headers={"origin": "https://evil.example"},
        )
        assert refused.status_code == 403


async def test_open_questions_are_listed(tmp_path: Path) -> None:
    async with agent(tmp_path) as client:
        (one,) = (await client.get("/api/knowledge/unanswered")).json()
        assert (one["question"], one["turn"]) == ("do you sell maps", 2)
