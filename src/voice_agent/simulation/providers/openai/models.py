"""OpenAI's models: what each can do, and the routes that list them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.openai.errors import (
    DIALECT,
    authorize,
    refused,
    vendor_headers,
)
from voice_agent.simulation.providers.stream import endpoint, json_response

_CREATED: Final = 1_790_000_000
_EFFORTS: Final = frozenset({"low", "medium", "high"})
_DEEP: Final = _EFFORTS | {"xhigh"}
_DEEPEST: Final = _DEEP | {"max"}
_NONE: Final = frozenset({"none"})


@dataclass(frozen=True, slots=True)
class Model:
    """One model; `efforts` is empty for those that do not reason.

    With `tools_without_effort`, function tools go with reasoning effort `none` only.
    """

    snapshot: str
    efforts: frozenset[str] = frozenset()
    tools_without_effort: bool = False
    chat: bool = True

    @property
    def reasons(self) -> bool:
        """Whether it thinks before it answers."""
        return bool(self.efforts)


MODELS: Final[Mapping[str, Model]] = {
    "gpt-6.1-terra": Model("2026-10-20", _DEEPEST | _NONE, tools_without_effort=True),
    "gpt-6.1-sol": Model("2026-10-20", _DEEPEST, tools_without_effort=True),
    "gpt-6-astra": Model("2026-09-22", _DEEPEST, tools_without_effort=True),
    "gpt-6-sol": Model("2026-09-22", _DEEPEST | _NONE, tools_without_effort=True),
    "gpt-6-luna": Model("2026-09-22", _DEEPEST | _NONE, tools_without_effort=True),
    "gpt-5.6-terra": Model("2026-06-30", _DEEPEST | _NONE, tools_without_effort=True),
    "gpt-5.6-luna": Model("2026-06-30", _DEEPEST | _NONE, tools_without_effort=True),
    "gpt-5.4-mini": Model("2026-03-17", _DEEP | _NONE),
    "gpt-5.4-nano": Model("2026-03-17", _DEEP | _NONE),
    "gpt-5-mini": Model("2025-08-07", _EFFORTS | {"minimal"}),
    "gpt-5-nano": Model("2025-08-07", _EFFORTS | {"minimal"}),
    "gpt-4.1": Model("2025-04-14"),
    "gpt-4.1-mini": Model("2025-04-14"),
    "gpt-4o": Model("2024-08-06"),
    "gpt-4o-mini": Model("2024-07-18"),
    "gpt-realtime-2.1": Model("", chat=False),
    "gpt-realtime-2.1-mini": Model("", chat=False),
    "gpt-realtime-2": Model("", chat=False),
    "gpt-realtime-1.5": Model("", chat=False),
    "gpt-realtime": Model("2025-08-28", chat=False),
    "gpt-realtime-mini": Model("2025-12-15", chat=False),
    "gpt-live-transcribe": Model("", chat=False),
    "gpt-4o-transcribe": Model("", chat=False),
    "whisper-1": Model("", chat=False),
}
_SNAPSHOT: Final = re.compile(r"-\d{4}-\d\d-\d\d$")


def find_model(name: str) -> tuple[str, Model]:
    """The snapshot's full name and what it can do.

    Raises:
        Refused: there is no such model.
    """
    family = _SNAPSHOT.sub("", name)
    model = MODELS.get(family)
    if not model or name not in (family, f"{family}-{model.snapshot}"):
        raise refused(
            404,
            f"The model `{name}` does not exist or you do not have access to it.",
            code="model_not_found",
        )
    return (f"{family}-{model.snapshot}" if model.snapshot else family), model


def routes(desk: Desk) -> Sequence[BaseRoute]:
    """List and retrieve models."""

    async def listed(request: Request, raw: bytes) -> Response:
        del raw
        authorize(desk, request)
        body = {"object": "list", "data": [_card(name) for name in MODELS]}
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
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": "system"}
