"""Anthropic's models: what each can do, and the routes that list them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from voice_agent.simulation.providers.anthropic.errors import (
    DIALECT,
    authorize,
    refused,
    vendor_headers,
)
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.stream import endpoint, json_response

_MODERN: Final = frozenset({"adaptive", "between_tools"})


@dataclass(frozen=True, slots=True)
class Model:
    """One model.

    `modern` ones take no prefill and no sampling parameters, and think unless told otherwise;
    `thinking` are the types of thinking that they can be asked for.
    """

    shown: str
    thinking: frozenset[str] = _MODERN
    modern: bool = True


_OLD: Final = frozenset({"enabled", "disabled"})
MODELS: Final[Mapping[str, Model]] = {
    "claude-fable-5-1": Model("Claude Fable 5.1"),
    "claude-opus-5-5": Model("Claude Opus 5.5"),
    "claude-sonnet-5-5": Model("Claude Sonnet 5.5"),
    "claude-haiku-5-5": Model("Claude Haiku 5.5", _MODERN | {"disabled"}),
    "claude-opus-5": Model("Claude Opus 5", _MODERN | {"disabled"}),
    "claude-sonnet-4-6": Model("Claude Sonnet 4.6", _OLD | {"adaptive"}, modern=False),
    "claude-sonnet-4-5": Model("Claude Sonnet 4.5", _OLD, modern=False),
    "claude-haiku-4-5": Model("Claude Haiku 4.5", _OLD, modern=False),
}


def find_model(name: str) -> Model:
    """What the model can do.

    Raises:
        Refused: there is no such model.
    """
    if name not in MODELS:
        raise refused(404, f"model: {name}")
    return MODELS[name]


def routes(desk: Desk) -> Sequence[BaseRoute]:
    """List and retrieve models."""

    async def listed(request: Request, raw: bytes) -> Response:
        del raw
        authorize(desk, request)
        names = list(MODELS)
        body = {
            "data": [_card(name) for name in names],
            "first_id": names[0],
            "last_id": names[-1],
            "has_more": False,
        }
        return json_response(body, headers=vendor_headers(desk))

    async def one(request: Request, raw: bytes) -> Response:
        del raw
        authorize(desk, request)
        name = request.path_params["name"]
        find_model(name)
        return json_response(_card(name), headers=vendor_headers(desk))

    return [
        Route("/v1/models", endpoint(desk, DIALECT, listed), methods=["GET"]),
        Route("/v1/models/{name}", endpoint(desk, DIALECT, one), methods=["GET"]),
    ]


def _card(name: str) -> dict[str, object]:
    return {
        "type": "model",
        "id": name,
        "display_name": MODELS[name].shown,
        "created_at": "2026-09-01T00:00:00Z",
    }
