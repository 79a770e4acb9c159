"""Voices, clones and access tokens."""

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import anyio
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from voice_agent.simulation.providers.cartesia.refusals import invalid, unknown_voice
from voice_agent.simulation.providers.cartesia.requests import parse_object
from voice_agent.simulation.providers.cartesia.rules import (
    LANGUAGES,
    LONGEST_TOKEN,
    PLAIN_VOICES,
    STOCK,
    Cloned,
    Studio,
)
from voice_agent.simulation.providers.cartesia.speech import served
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.samples import judge
from voice_agent.simulation.providers.stream import Answer, json_response

PAGE: Final = 10
LARGEST_PAGE: Final = 100
CREATED: Final = "2026-01-01T00:00:00Z"


def catalogue_routes(desk: Desk, studio: Studio) -> list[BaseRoute]:
    """All of them."""
    shelf = _Shelf(studio)
    return [
        Route("/voices", served(desk, studio, shelf.voices), methods=["GET"]),
        Route("/voices/clone", served(desk, studio, shelf.clone), methods=["POST"]),
        Route("/voices/{voice}", served(desk, studio, shelf.voice), methods=["GET"]),
        Route("/voices/{voice}", served(desk, studio, shelf.remove), methods=["DELETE"]),
        Route("/access-token", served(desk, studio, shelf.token), methods=["POST"]),
    ]


class _Shelf:
    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    async def voices(self, request: Request, raw: bytes, version: str) -> Answer:
        del raw
        query = request.query_params
        limit, after = query.get("limit", str(PAGE)), query.get("starting_after")
        if not limit.isdecimal() or not 0 < int(limit) <= LARGEST_PAGE:
            raise invalid(f"limit must be 1 to {LARGEST_PAGE}.")
        wanted = query.get("q", "").lower()
        found = [key for key, it in self._studio.voices.items() if wanted in it.name.lower()]
        if after is not None and after not in found:
            raise unknown_voice(after)
        rest = found[found.index(after) + 1 :] if after else found
        page = [self._shown(key, version) for key in rest[: int(limit)]]
        return json_response({"data": page, "has_more": len(rest) > len(page)})

    async def voice(self, request: Request, raw: bytes, version: str) -> Answer:
        del raw
        return json_response(self._shown(self._known(request), version))

    async def remove(self, request: Request, raw: bytes, version: str) -> Answer:
        del raw, version
        del self._studio.voices[self._known(request)]
        return json_response({})

    async def clone(self, request: Request, raw: bytes, version: str) -> Answer:
        del raw
        async with request.form() as form:
            made = _cloned(form)
            clip = form.get("clip")
            if not isinstance(clip, UploadFile):
                raise invalid("clip is required.")
            sample = judge(await clip.read())
        if not (sample.long_enough and sample.loud_enough):
            raise invalid("clip must hold at least a second of speech.")
        key = str(uuid4())
        self._studio.voices[key] = made
        return json_response(self._shown(key, version))

    async def token(self, request: Request, raw: bytes, version: str) -> Answer:
        del request, version
        fields = parse_object(raw or b"{}")
        lasts, grants = fields.get("expires_in", 60), fields.get("grants") or {}
        if not isinstance(lasts, int) or not 0 < lasts <= LONGEST_TOKEN:
            raise invalid(f"expires_in must be 1 to {LONGEST_TOKEN}.")
        token = f"simulated-{uuid4().hex}"
        if isinstance(grants, dict) and grants.get("tts"):
            self._studio.tokens[token] = anyio.current_time() + lasts
        return json_response({"token": token})

    def _known(self, request: Request) -> str:
        key: str = request.path_params["voice"]
        if key not in self._studio.voices:
            raise unknown_voice(key)
        return key

    def _shown(self, key: str, version: str) -> Mapping[str, Any]:
        voice, own = self._studio.voices[key], key not in STOCK
        newer = {
            "access": "private" if own else "public",
            "visibility": "owner" if own else "all",
            "locales": [{"locale": f"{voice.language}-US", "is_native": True}],
            "tagline": "",
        }
        return {
            "id": key,
            "user_id": "simulated",
            "name": voice.name,
            "description": voice.description,
            "created_at": CREATED,
            "language": voice.language,
            "is_owner": own,
            **(newer if version >= PLAIN_VOICES else {"is_public": not own}),
        }


def _cloned(form: FormData) -> Cloned:
    name, language = form.get("name"), form.get("language")
    if not isinstance(name, str) or not name:
        raise invalid("name is required.")
    if language not in LANGUAGES:
        raise invalid("language is required, one of those that the models speak.")
    return Cloned(name, str(form.get("description") or ""), str(language))
