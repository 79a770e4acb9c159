"""`POST /v1/messages` and the token counter beside it."""

from collections.abc import Sequence
from typing import Final

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from voice_agent.core.chat import ChatRequest
from voice_agent.simulation.providers.answers import (
    Tally,
    answer,
    dumps,
    prompt_tokens,
    tokens,
    whole_answer,
)
from voice_agent.simulation.providers.anthropic.errors import (
    DIALECT,
    authorize,
    vendor_headers,
)
from voice_agent.simulation.providers.anthropic.request import Asked, read_request
from voice_agent.simulation.providers.anthropic.wire import EventWriter, Style, message
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.stream import Answer, Streamed, endpoint, json_response

LEAST_CACHED: Final = 1024
"""Shorter beginnings (tokens) are silently not cached."""


def routes(desk: Desk) -> Sequence[BaseRoute]:
    """Messages, streamed or whole, and the token counter."""
    cache: set[str] = set()

    async def create(request: Request, raw: bytes) -> Answer:
        asked = read_request(raw, authorize(desk, request))
        tally = Tally(prompt_tokens(asked.chat))
        style = _style(asked, cache)
        headers = vendor_headers(desk)
        if asked.stream:
            writer = EventWriter(style, tally, desk.chance)
            events = writer.write(answer(desk, asked.chat, asked.limits, tally))
            return Streamed(events, "text/event-stream; charset=utf-8", headers)
        whole = await whole_answer(desk, DIALECT.provider, asked.chat, asked.limits, tally)
        return json_response(message(whole, style, tally, desk.chance), headers=headers)

    async def count(request: Request, raw: bytes) -> Answer:
        asked = read_request(raw, authorize(desk, request), counting=True)
        body = {"input_tokens": prompt_tokens(asked.chat)}
        return json_response(body, headers=vendor_headers(desk))

    return [
        Route("/v1/messages", endpoint(desk, DIALECT, create), methods=["POST"]),
        Route("/v1/messages/count_tokens", endpoint(desk, DIALECT, count), methods=["POST"]),
    ]


def _style(asked: Asked, cache: set[str]) -> Style:
    beginning = _beginning(asked.chat)
    size = tokens(beginning)
    thinks = asked.thinks and asked.limits.tokens != 0
    if not asked.cached or size < LEAST_CACHED:
        return Style(asked.model, thinks)
    key = asked.model + beginning
    known = key in cache
    cache.add(key)
    return Style(
        asked.model,
        thinks,
        cache_read=size if known else 0,
        cache_written=0 if known else size,
    )


def _beginning(chat: ChatRequest) -> str:
    tools = "".join(t.name + t.description + dumps(t.parameters) for t in chat.tools)
    return tools + chat.system
