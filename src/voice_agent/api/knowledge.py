"""`/api/knowledge`: the documents that the agent answers from, and questions to them."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Final, Protocol, Self, cast

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from voice_agent.api.errors import PROBLEM_RESPONSES
from voice_agent.api.origin import is_same_origin
from voice_agent.core.errors import PermissionDeniedError, ProtocolError
from voice_agent.core.knowledge import Findings, Passage
from voice_agent.knowledge.corpus import KnownFile
from voice_agent.knowledge.ingest import SyncReport
from voice_agent.knowledge.readers.limits import MOST_BYTES
from voice_agent.storage.sql.repositories.unanswered import UnansweredQuestion

_ENVELOPE: Final = 4096
"""Bytes that the multipart form may have around the file."""


class KnowledgeBase(Protocol):
    """The documents."""

    async def search(self, query: str, k: int = 3) -> Findings:
        """The passages that answer."""
        ...

    def files(self) -> tuple[KnownFile, ...]:
        """Every document, refused ones too."""
        ...

    async def add(self, name: str, data: bytes) -> SyncReport:
        """Keep a document; raises `DocumentRefused`."""
        ...

    async def remove(self, source: str) -> SyncReport:
        """Delete a document; raises `NotFoundError`."""
        ...


class OpenQuestions(Protocol):
    """What no document answered."""

    async def newest(self, limit: int = 100) -> Sequence[UnansweredQuestion]:
        """The latest, newest first."""
        ...


class KnowledgeServices(Protocol):
    """What this router needs of the application's services."""

    @property
    def knowledge(self) -> KnowledgeBase:
        """The documents."""
        ...

    @property
    def unanswered(self) -> OpenQuestions:
        """What they did not answer."""
        ...


class KnowledgeDocument(BaseModel):
    """A document of the folder."""

    source: str
    size: int = Field(description="Bytes.")
    pieces: int = Field(description="Passages it was cut into.")
    refused: str = Field(description="Why it is not read; empty when it is.")

    @classmethod
    def of(cls, file: KnownFile) -> Self:
        """From the index."""
        return cls(
            source=file.source, size=file.size, pieces=len(file.chunks), refused=file.refused
        )


class KnowledgeDocuments(BaseModel):
    """Every document, by name."""

    documents: list[KnowledgeDocument]
    count: int


class KnowledgeQuestion(BaseModel):
    """What a caller might ask."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(min_length=1, max_length=1000)
    passages: int = Field(3, ge=1, le=10, description="Passages at most.")


class QuotedPassage(BaseModel):
    """A few sentences of a document."""

    text: str
    source: str
    title: str
    position: int
    score: float = Field(description="How well it answers, 0 to 1.")

    @classmethod
    def of(cls, passage: Passage) -> Self:
        """From the search."""
        return cls(**{name: getattr(passage, name) for name in cls.model_fields})


class KnowledgeAnswer(BaseModel):
    """What the documents say."""

    answered: bool
    answer: str | None = Field(description="As the agent would say it; null where nothing answers.")
    passages: list[QuotedPassage]


class OpenQuestion(BaseModel):
    """A question that no document answered."""

    question: str
    call_id: str
    turn: int
    asked_at: datetime


def _same_origin(request: Request) -> None:
    # A page of another site can send a form here without being able to read the answer.
    if not is_same_origin(request):
        raise PermissionDeniedError("Another site's page may not do this.")


router = APIRouter(
    prefix="/api/knowledge",
    tags=["knowledge"],
    responses=PROBLEM_RESPONSES,
    dependencies=[Depends(_same_origin)],
)


def _services(request: Request) -> KnowledgeServices:
    return cast("KnowledgeServices", request.app.state.services)


Services = Annotated[KnowledgeServices, Depends(_services)]
_FORM: Final = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            }
        },
    }
}


@router.get("")
async def documents(services: Services) -> KnowledgeDocuments:
    """List the documents, those that could not be read with the reason."""
    shown = [KnowledgeDocument.of(file) for file in services.knowledge.files()]
    return KnowledgeDocuments(documents=shown, count=len(shown))


@router.post("", status_code=HTTPStatus.CREATED, openapi_extra=_FORM)
async def upload(request: Request, services: Services) -> KnowledgeDocument:
    """Add a document (MD, TXT, HTML, JSON, CSV, PDF, DOCX; 10 MB), over one of the same name."""
    name, data = await _uploaded(request)
    await services.knowledge.add(name, data)
    kept = next(file for file in services.knowledge.files() if file.source == name.strip())
    return KnowledgeDocument.of(kept)


@router.delete("/{source:path}", status_code=HTTPStatus.NO_CONTENT)
async def delete(services: Services, source: str) -> None:
    """Delete a document; nothing of it is found from then on."""
    await services.knowledge.remove(source)


@router.post("/ask")
async def ask(services: Services, asked: KnowledgeQuestion) -> KnowledgeAnswer:
    """Ask the documents what a caller would ask the agent."""
    found = await services.knowledge.search(asked.question, asked.passages)
    return KnowledgeAnswer(
        answered=bool(found.passages),
        answer=found.answer or None,
        passages=[QuotedPassage.of(passage) for passage in found.passages],
    )


@router.get("/unanswered")
async def unanswered(services: Services) -> list[OpenQuestion]:
    """List the latest hundred questions that no document answered, newest first."""
    return [
        OpenQuestion(
            question=one.question, call_id=one.call_id, turn=one.turn, asked_at=one.asked_at
        )
        for one in await services.unanswered.newest()
    ]


async def _uploaded(request: Request) -> tuple[str, bytes]:
    """The one file of a form whose size was told beforehand."""
    length = request.headers.get("content-length", "")
    if not length.isdecimal():
        raise HTTPException(HTTPStatus.LENGTH_REQUIRED, "Tell the length of the request.")
    if int(length) > MOST_BYTES + _ENVELOPE:
        raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Documents may have up to 10 MB.")
    async with request.form(max_files=1, max_fields=4) as form:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise ProtocolError("Send the document as the field `file` of a multipart form.")
        return file.filename or "", await file.read()
