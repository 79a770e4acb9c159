"""Voices, models and the account; and a voice made from recordings."""

import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.elevenlabs.http import served
from voice_agent.simulation.providers.elevenlabs.refusals import missing
from voice_agent.simulation.providers.elevenlabs.requests import voice_not_found, wrong
from voice_agent.simulation.providers.elevenlabs.rules import MODELS, PREMADE, Studio, rules_of
from voice_agent.simulation.providers.samples import judge
from voice_agent.simulation.providers.stream import Answer, Refused, json_response

PAGE: Final = 10
LARGEST_PAGE: Final = 100


def catalogue_routes(desk: Desk, studio: Studio) -> list[BaseRoute]:
    """All of them."""
    shelf = _Shelf(desk, studio)
    return [
        Route("/v1/voices", served(desk, shelf.all_voices), methods=["GET"]),
        Route("/v2/voices", served(desk, shelf.page_of_voices), methods=["GET"]),
        Route("/v1/voices/add", served(desk, shelf.add), methods=["POST"]),
        Route("/v1/voices/{voice}", served(desk, shelf.one_voice), methods=["GET"]),
        Route("/v1/voices/{voice}", served(desk, shelf.remove), methods=["DELETE"]),
        Route("/v1/models", served(desk, shelf.models), methods=["GET"]),
        Route("/v1/user", served(desk, shelf.user), methods=["GET"]),
    ]


class _Shelf:
    def __init__(self, desk: Desk, studio: Studio) -> None:
        self._desk = desk
        self._studio = studio

    async def all_voices(self, request: Request, raw: bytes) -> Answer:
        del request, raw
        return json_response({"voices": [self._shown(key) for key in self._studio.voices]})

    async def page_of_voices(self, request: Request, raw: bytes) -> Answer:
        del raw
        query = request.query_params
        size, start = query.get("page_size", str(PAGE)), query.get("next_page_token", "0")
        if not size.isdecimal() or not 0 < int(size) <= LARGEST_PAGE or not start.isdecimal():
            raise wrong(
                rules_of(self._desk), "invalid_parameters", f"page_size: 1 to {LARGEST_PAGE}"
            )
        wanted = query.get("search", "").lower()
        found = [key for key, name in self._studio.voices.items() if wanted in name.lower()]
        end = int(start) + int(size)
        return json_response(
            {
                "voices": [self._shown(key) for key in found[int(start) : end]],
                "has_more": end < len(found),
                "total_count": len(found),
                "next_page_token": str(end) if end < len(found) else None,
            }
        )

    async def one_voice(self, request: Request, raw: bytes) -> Answer:
        del raw
        return json_response(self._shown(self._known(request)))

    async def remove(self, request: Request, raw: bytes) -> Answer:
        del raw
        del self._studio.voices[self._known(request)]
        return json_response({"status": "ok"})

    async def add(self, request: Request, raw: bytes) -> Answer:
        del raw
        async with request.form() as form:
            name, labels = form.get("name"), form.get("labels")
            files = [part for part in form.getlist("files") if isinstance(part, UploadFile)]
            if not isinstance(name, str) or not name:
                raise Refused(missing("name"))
            if not files:
                raise Refused(missing("files"))
            _check_labels(labels, self._desk)
            for file in files:
                self._check_sample(await file.read())
        if len(self._studio.voices) - len(PREMADE) >= rules_of(self._desk).voice_slots:
            raise wrong(rules_of(self._desk), "voice_limit_reached", "All voice slots are taken.")
        key = uuid4().hex[:20]
        self._studio.voices[key] = name
        return json_response({"voice_id": key, "requires_verification": False})

    async def models(self, request: Request, raw: bytes) -> Answer:
        del request, raw
        return json_response(
            [
                {
                    "model_id": key,
                    "name": model.name,
                    "can_do_text_to_speech": True,
                    "can_do_voice_conversion": False,
                    "maximum_text_length_per_request": model.characters,
                    "languages": [{"language_id": code, "name": code} for code in model.languages],
                }
                for key, model in MODELS.items()
            ]
        )

    async def user(self, request: Request, raw: bytes) -> Answer:
        del request, raw
        used = len(self._studio.voices) - len(PREMADE)
        return json_response(_user(used, rules_of(self._desk).voice_slots))

    def _known(self, request: Request) -> str:
        key: str = request.path_params["voice"]
        if key not in self._studio.voices:
            raise Refused(voice_not_found(rules_of(self._desk), key))
        return key

    def _shown(self, key: str) -> Mapping[str, Any]:
        return {
            "voice_id": key,
            "name": self._studio.voices[key],
            "category": "premade" if key in PREMADE else "cloned",
            "labels": {"language": "en"},
            "settings": None,
        }

    def _check_sample(self, data: bytes) -> None:
        sample = judge(data)
        if not sample.long_enough:
            raise wrong(rules_of(self._desk), "voice_sample_too_short", "The sample is too short.")
        if not sample.loud_enough:
            raise wrong(rules_of(self._desk), "voice_sample_silent", "The sample holds no speech.")


def _check_labels(labels: object, desk: Desk) -> None:
    if labels in (None, "null"):
        return
    try:
        value = json.loads(labels) if isinstance(labels, str) else None
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise wrong(rules_of(desk), "invalid_parameters", "labels must be JSON.", "labels")


def _user(cloned: int, slots: int) -> Mapping[str, Any]:
    subscription = {
        "tier": "business",
        "status": "active",
        "character_count": 0,
        "character_limit": 1_000_000,
        "max_credit_limit_extension": 0,
        "can_extend_character_limit": False,
        "allowed_to_extend_character_limit": False,
        "voice_slots_used": cloned,
        "voice_limit": slots,
        "voice_add_edit_counter": cloned,
        "professional_voice_slots_used": 0,
        "professional_voice_slots_used_in_workspace": 0,
        "professional_voice_limit": 0,
        "can_extend_voice_limit": False,
        "can_use_instant_voice_cloning": True,
        "can_use_professional_voice_cloning": False,
        "current_overage": {"amount": "0", "currency": "usd"},
    }
    return {
        "user_id": "simulated",
        "workspace_id": "simulated",
        "subscription": subscription,
        "is_new_user": False,
        "can_use_delayed_payment_methods": False,
        "is_onboarding_completed": True,
        "is_onboarding_checklist_completed": True,
        "created_at": 1_700_000_000,
        "seat_type": "workspace_admin",
    }
