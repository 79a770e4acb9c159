"""`/_control`: orders faults and shows the journal to whoever tests from another process."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route

from voice_agent.simulation.providers.desk import Desk, Seen
from voice_agent.simulation.providers.faults import Fault

PATH: Final = "/_control"
_FAULTS: Final = TypeAdapter(list[Fault])
_SECRET: Final = (
    *("authorization", "x-api-key", "x-goog-api-key", "xi-api-key"),
    *("proxy-authorization", "cookie"),
)


def control(desk: Desk, known: Sequence[str]) -> BaseRoute:
    """The routes; `known` are the providers that may be given faults."""

    async def order(request: Request) -> Response:
        try:
            faults = _FAULTS.validate_json(await request.body())
        except ValidationError as error:
            return _json({"errors": error.errors(include_url=False, include_input=False)}, 422)
        if strangers := sorted({fault.provider for fault in faults} - set(known)):
            return _json({"errors": [f"no simulated provider is called {strangers[0]!r}"]}, 422)
        desk.faults.order(*faults)
        return _json({"ordered": len(faults)}, 201)

    async def clear(request: Request) -> Response:
        del request
        desk.faults.clear()
        return Response(status_code=204)

    async def journal(request: Request) -> Response:
        wanted = request.query_params.get("provider")
        seen = [_shown(seen) for seen in desk.journal if wanted in (None, seen.provider)]
        return _json(seen)

    return Mount(
        PATH,
        routes=[
            Route("/faults", order, methods=["POST"]),
            Route("/faults", clear, methods=["DELETE"]),
            Route("/journal", journal, methods=["GET"]),
        ],
    )


def _shown(seen: Seen) -> Mapping[str, Any]:
    """A request without its key, which may be a real one by mistake."""
    return {
        "provider": seen.provider,
        "path": seen.path.partition("?")[0],
        "query_names": _names(seen.path.partition("?")[2]),
        "body": seen.body,
        "headers": {k: "***" if k.lower() in _SECRET else v for k, v in seen.headers.items()},
    }


def _names(query: str) -> list[str]:
    return [pair.partition("=")[0] for pair in query.split("&") if pair]


def _json(body: object, status: int = 200) -> Response:
    content = orjson.dumps(body, default=str)
    return Response(content, status, media_type="application/json")
