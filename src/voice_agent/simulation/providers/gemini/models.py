"""Gemini's models: what each can do, and the routes that list them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.gemini.errors import authorize, dialect, refused
from voice_agent.simulation.providers.stream import endpoint, json_response

VERSIONS: Final = ("v1", "v1beta")
_LOW: Final = ("low", "medium", "high")
_GENERATE: Final = ("generateContent", "streamGenerateContent", "countTokens")


@dataclass(frozen=True, slots=True)
class Model:
    """One model; `levels` are the thinking levels that it takes."""

    shown: str
    levels: tuple[str, ...] = ("minimal", *_LOW)
    versions: tuple[str, ...] = VERSIONS
    methods: tuple[str, ...] = _GENERATE


MODELS: Final[Mapping[str, Model]] = {
    "gemini-3.8-flash": Model("Gemini 3.8 Flash"),
    "gemini-3.7-flash": Model("Gemini 3.7 Flash", _LOW),
    "gemini-3.6-flash": Model("Gemini 3.6 Flash"),
    "gemini-3.5-flash-lite": Model("Gemini 3.5 Flash-Lite"),
    "gemini-3.1-flash-lite": Model("Gemini 3.1 Flash-Lite"),
    "gemini-3.8-live": Model("Gemini 3.8 Live", methods=("bidiGenerateContent",)),
    "gemini-flash-latest": Model("Gemini Flash Latest", versions=("v1beta",)),
    "gemini-flash-lite-latest": Model("Gemini Flash-Lite Latest", versions=("v1beta",)),
    "gemini-pro-latest": Model("Gemini Pro Latest", _LOW, versions=("v1beta",)),
}


def find_model(name: str, version: str, method: str = "") -> Model:
    """What the model can do.

    Raises:
        Refused: this version of the API has none of that name, or not for that method.
    """
    model = MODELS.get(name)
    if not model or version not in model.versions or (method and method not in model.methods):
        raise refused(
            404,
            f"models/{name} is not found for API version {version}, or is not supported for "
            f"{method or 'this method'}. Call ListModels to see the list of available models and "
            "their supported methods.",
        )
    return model


def routes(desk: Desk) -> Sequence[BaseRoute]:
    """List and retrieve models, in both versions of the API."""

    async def listed(request: Request, raw: bytes) -> Response:
        del raw
        authorize(desk, request)
        version = _version(request)
        names = [name for name, model in MODELS.items() if version in model.versions]
        return json_response({"models": [_card(name) for name in names]})

    async def one(request: Request, raw: bytes) -> Response:
        del raw
        authorize(desk, request)
        name = request.path_params["name"]
        find_model(name, _version(request))
        return json_response(_card(name))

    manner = dialect(sse=False)
    return [
        Route("/{version:str}/models", endpoint(desk, manner, listed), methods=["GET"]),
        Route("/{version:str}/models/{name}", endpoint(desk, manner, one), methods=["GET"]),
    ]


def _version(request: Request) -> str:
    return str(request.path_params["version"])


def _card(name: str) -> dict[str, object]:
    model = MODELS[name]
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": model.shown,
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": list(model.methods),
        "thinking": True,
    }
