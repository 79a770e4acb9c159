"""A Rasa NLU server as seen from outside; the built-in tables do its understanding."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from voice_agent.engines.nlu.table_understander import TableUnderstander
from voice_agent.engines.nlu.understanding import Context, Entity, Understanding
from voice_agent.simulation.providers.answers import loads_object
from voice_agent.simulation.providers.desk import Desk, Simulator
from voice_agent.simulation.providers.stream import (
    HUGE,
    Dialect,
    Refused,
    endpoint,
    json_response,
)

VERSION: Final = "3.6.21"
FALLBACK: Final = "nlu_fallback"
_THRESHOLD: Final = 0.3
_AMBIGUITY: Final = 0.1
_SHORTCUT: Final = re.compile(r"^/(?P<name>[^{@]+)(?:@(?P<sure>[0-9.]+))?(?P<entities>{.*})?$")
_MODEL: Final = "5bb8e3a4c1d24b6e9d8f7a6b5c4d3e2f"


@dataclass(slots=True)
class _Server:
    """What changes while it runs."""

    model: str = "nlu.tar.gz"


def routes(desk: Desk) -> Sequence[BaseRoute]:
    """Liveness, version, status, parsing and loading a model."""
    server = _Server()
    reader = TableUnderstander()

    async def status(request: Request, raw: bytes) -> Response:
        del raw
        _authorize(desk, request)
        _ensure_loaded(server)
        return json_response(
            {"model_file": server.model, "model_id": _MODEL, "num_active_training_jobs": 0}
        )

    async def load(request: Request, raw: bytes) -> Response:
        _authorize(desk, request)
        path = loads_object(raw.decode("utf-8", "replace")).get("model_file")
        if not isinstance(path, str):
            raise _refused(400, "BadRequest", "A model file is missing.")
        server.model = path.rpartition("/")[2]
        return Response(status_code=204)

    async def unload(request: Request, raw: bytes) -> Response:
        del raw
        _authorize(desk, request)
        server.model = ""
        return Response(status_code=204)

    async def parse(request: Request, raw: bytes) -> Response:
        _authorize(desk, request)
        _ensure_loaded(server)
        text = _text(raw)
        await desk.wait("rasa", first=True)
        return json_response(_parsed(text, reader))

    return [
        Route("/", endpoint(desk, _DIALECT, _hello), methods=["GET"]),
        Route("/version", endpoint(desk, _DIALECT, _version), methods=["GET"]),
        Route("/status", endpoint(desk, _DIALECT, status), methods=["GET"]),
        Route("/model", endpoint(desk, _DIALECT, load), methods=["PUT"]),
        Route("/model", endpoint(desk, _DIALECT, unload), methods=["DELETE"]),
        Route("/model/parse", endpoint(desk, _DIALECT, parse), methods=["POST"]),
    ]


async def _hello(request: Request, raw: bytes) -> Response:
    del request, raw
    return PlainTextResponse(f"Hello from Rasa: {VERSION}")


async def _version(request: Request, raw: bytes) -> Response:
    del request, raw
    return json_response({"version": VERSION, "minimum_compatible_version": VERSION})


def _authorize(desk: Desk, request: Request) -> None:
    """The token counts only in the query; one in the body is not seen."""
    if request.query_params.get("token") not in desk.keys:
        raise Refused(_unauthorized())


def _ensure_loaded(server: _Server) -> None:
    if not server.model:
        raise _refused(
            409,
            "Conflict",
            "No agent loaded. To continue processing, a model of a trained agent needs to be "
            "loaded.",
        )


def _text(raw: bytes) -> str:
    if not raw:
        raise _refused(400, "BadRequest", "You must provide text to parse in the request body.")
    try:
        text = orjson.loads(raw)["text"]
    except (ValueError, TypeError, KeyError):
        text = None
    if not isinstance(text, str):
        raise Refused(_failure())
    return text


def _parsed(text: str, reader: TableUnderstander) -> Mapping[str, Any]:
    if shortcut := _SHORTCUT.match(text):
        return _shortcut(text, shortcut)
    understood = reader.understand(text, Context())
    ranking = _ranking(understood) if text.strip() else []
    return {
        "text": text,
        "intent": ranking[0] if ranking else {"name": None, "confidence": 0.0},
        "entities": [_entity(text, entity) for entity in understood.entities],
        "text_tokens": [[m.start(), m.end()] for m in re.finditer(r"\w+", text)],
        "intent_ranking": ranking,
        "response_selector": {"all_retrieval_intents": []},
    }


def _ranking(understood: Understanding) -> list[dict[str, Any]]:
    found = [(understood.intent, understood.confidence), *understood.alternatives]
    ranking = [{"name": name, "confidence": sure} for name, sure in found if name]
    sure = [float(understood.confidence), *(score for _, score in understood.alternatives), 0.0]
    if sure[0] < _THRESHOLD or sure[0] - sure[1] < _AMBIGUITY:
        ranking.insert(0, {"name": FALLBACK, "confidence": _THRESHOLD})
    return ranking


def _entity(text: str, entity: Entity) -> dict[str, Any]:
    words = r"\W*".join(re.escape(word) for word in entity.text.split())
    place = re.search(words, text, re.IGNORECASE) if words else None
    start, end = place.span() if place else (0, len(text))
    body: dict[str, Any] = {
        "entity": entity.name,
        "start": start,
        "end": end,
        "confidence_entity": 0.97,
        "value": entity.value,
        "extractor": "DIETClassifier",
    }
    changed = entity.value != text[start:end]
    return {**body, "processors": ["EntitySynonymMapper"]} if changed else body


def _shortcut(text: str, shortcut: re.Match[str]) -> dict[str, Any]:
    """An intent given by name, without any model."""
    intent = {"name": shortcut["name"], "confidence": float(shortcut["sure"] or 1.0)}
    start, end = shortcut.span("entities")
    return {
        "text": text,
        "intent": intent,
        "entities": [
            {"entity": name, "value": value, "start": start, "end": end}
            for name, value in loads_object(shortcut["entities"] or "").items()
        ],
        "intent_ranking": [intent],
    }


def _error(status: int, reason: str, message: str) -> Response:
    body: dict[str, Any] = {
        "version": VERSION,
        "status": "failure",
        "message": message,
        "reason": reason,
        "details": {},
        "help": None,
        "code": status,
    }
    return json_response(body, status)


def _refused(status: int, reason: str, message: str) -> Refused:
    return Refused(_error(status, reason, message))


def _unauthorized() -> Response:
    return _error(401, "NotAuthenticated", "User is not authenticated.")


def _failure() -> Response:
    return _error(500, "ParsingError", "An unexpected error occurred.")


def _throttled(pause: float) -> Response:
    """Rasa itself has no limit; this is the proxy before it."""
    return PlainTextResponse("Too Many Requests", 429, headers={"retry-after": f"{pause:g}"})


_DIALECT: Final = Dialect(
    provider="rasa",
    unauthorized=_unauthorized,
    throttled=_throttled,
    failed=_failure,
    failed_midway=lambda: b"",
    garbage=(b'{"text": 7, "intent": ["' + b"x" * HUGE,),
)

SIMULATOR = Simulator(
    name="rasa",
    summary="The HTTP API of a Rasa NLU server.",
    routes=routes,
)
