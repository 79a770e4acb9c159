"""`POST /v1/chat/completions`."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.routing import BaseRoute, Route

from voice_agent.core.clock import LoopClock
from voice_agent.simulation.providers.answers import (
    Tally,
    answer,
    prompt_tokens,
    whole_answer,
)
from voice_agent.simulation.providers.desk import Desk
from voice_agent.simulation.providers.openai.errors import (
    DIALECT,
    authorize,
    vendor_headers,
)
from voice_agent.simulation.providers.openai.request import read_request
from voice_agent.simulation.providers.openai.wire import ChunkWriter, completion
from voice_agent.simulation.providers.stream import Answer, Streamed, endpoint, json_response


def routes(desk: Desk) -> Sequence[BaseRoute]:
    """Chat Completions, streamed or whole."""

    async def complete(request: Request, raw: bytes) -> Answer:
        authorize(desk, request)
        asked = read_request(raw, created=int(LoopClock().wall().timestamp()))
        tally = Tally(prompt_tokens(asked.chat))
        headers = vendor_headers(desk)
        if asked.stream:
            writer = ChunkWriter(asked.style, tally, desk.chance)
            events = writer.write(answer(desk, asked.chat, asked.limits, tally))
            return Streamed(events, "text/event-stream; charset=utf-8", headers)
        whole = await whole_answer(desk, DIALECT.provider, asked.chat, asked.limits, tally)
        return json_response(completion(whole, asked.style, tally, desk.chance), headers=headers)

    return [
        Route("/v1/chat/completions", endpoint(desk, DIALECT, complete), methods=["POST"]),
    ]
