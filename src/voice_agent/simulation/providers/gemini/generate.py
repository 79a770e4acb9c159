"""`generateContent`, `streamGenerateContent` and `countTokens`, in both versions of the API."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from voice_agent.simulation.providers.answers import (
    Tally,
    answer,
    prompt_tokens,
    whole_answer,
)
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.gemini.errors import authorize, dialect, wrong
from voice_agent.simulation.providers.gemini.request import Asked, read_request
from voice_agent.simulation.providers.gemini.wire import ChunkWriter
from voice_agent.simulation.providers.stream import Answer, Streamed, endpoint, json_response


def routes(desk: Desk) -> Sequence[BaseRoute]:
    """Content whole, as events or as a growing array, and the token counter."""

    async def generate(request: Request, raw: bytes) -> Answer:
        asked, tally, writer = _opened(desk, request, raw, "generateContent")
        whole = await whole_answer(desk, "gemini", asked.chat, asked.limits, tally)
        return json_response(writer.whole(whole))

    async def as_events(request: Request, raw: bytes) -> Answer:
        asked, tally, writer = _opened(desk, request, raw, "streamGenerateContent")
        pieces = answer(desk, asked.chat, asked.limits, tally)
        return Streamed(writer.sse(pieces), "text/event-stream")

    async def as_array(request: Request, raw: bytes) -> Answer:
        asked, tally, writer = _opened(desk, request, raw, "streamGenerateContent")
        pieces = answer(desk, asked.chat, asked.limits, tally)
        return Streamed(writer.array(pieces), "application/json; charset=UTF-8")

    async def count(request: Request, raw: bytes) -> Answer:
        asked = _asked(desk, request, raw, "countTokens")
        return json_response({"totalTokens": prompt_tokens(asked.chat)})

    whole, events = dialect(sse=False), endpoint(desk, dialect(sse=True), as_events)
    growing = endpoint(desk, whole, as_array)

    async def stream(request: Request) -> Response:
        """`alt=sse` asks for events."""
        wanted = request.query_params.get("alt") == "sse"
        return await (events if wanted else growing)(request)

    path = "/{version:str}/models/{name}"
    return [
        Route(f"{path}:generateContent", endpoint(desk, whole, generate), methods=["POST"]),
        Route(f"{path}:streamGenerateContent", stream, methods=["POST"]),
        Route(f"{path}:countTokens", endpoint(desk, whole, count), methods=["POST"]),
    ]


def _opened(
    desk: Desk, request: Request, raw: bytes, method: str
) -> tuple[Asked, Tally, ChunkWriter]:
    asked = _asked(desk, request, raw, method)
    tally = Tally(prompt_tokens(asked.chat))
    return asked, tally, ChunkWriter(asked, tally, desk.chance)


def _asked(desk: Desk, request: Request, raw: bytes, method: str) -> Asked:
    authorize(desk, request)
    if request.query_params.get("alt", "json") not in ("json", "sse"):
        raise wrong("Invalid value for query parameter 'alt'.")
    parameters = request.path_params
    return read_request(raw, parameters["name"], parameters["version"], method)
