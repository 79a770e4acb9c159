"""`/ws/chat`: a conversation in text."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final, Protocol
from uuid import uuid4

import structlog
from fastapi import APIRouter, WebSocket

from voice_agent.api.origin import is_same_origin
from voice_agent.core.call import Call, Channel, Direction, Disposition
from voice_agent.core.clock import Clock
from voice_agent.core.errors import TransportClosed
from voice_agent.transports.chat_protocol import (
    ChatInput,
    ChatMessageError,
    ChatOutput,
    ended,
    error,
    parse,
    ready,
    write,
)
from voice_agent.transports.websocket_line import POLICY, WebSocketLine

logger = structlog.get_logger(__name__)
router = APIRouter()

MALFORMED_BUDGET: Final = 50
"""Malformed messages a connection may send before it is closed."""

RunChat = Callable[
    [Call, AsyncIterator[ChatInput], Callable[[ChatOutput], Awaitable[None]]],
    Awaitable[Disposition],
]
"""Holds a text conversation to its end; never raises."""


class ChatServices(Protocol):
    """The part of `app.state.services` that the socket uses."""

    @property
    def run_chat(self) -> RunChat:
        """Holds a text conversation."""
        ...

    @property
    def clock(self) -> Clock:
        """Time."""
        ...


@router.websocket("/ws/chat")
async def chat(socket: WebSocket) -> None:
    """A text conversation with a page of this host, from `ready` to `ended`."""
    services: ChatServices = socket.app.state.services
    await socket.accept()
    line = WebSocketLine(socket)
    if not is_same_origin(socket):
        logger.warning("chat.refused", reason="another site's page")
        await line.close(POLICY, "another site's page")
        return
    call = Call(uuid4().hex, Channel.CHAT, Direction.INBOUND, services.clock.wall())
    try:
        await line.send(ready(call.id))
        disposition = await services.run_chat(call, _inputs(line), _sender(line))
        await line.send(ended(disposition))
    except TransportClosed:
        logger.info("chat.stuck")
    finally:
        await line.close()


def _sender(line: WebSocketLine) -> Callable[[ChatOutput], Awaitable[None]]:
    async def send(output: ChatOutput) -> None:
        await line.send(write(output))

    return send


async def _inputs(line: WebSocketLine) -> AsyncIterator[ChatInput]:
    """What the page asks for, until it leaves or has sent too much that is malformed."""
    malformed = 0
    while (message := await line.receive()) is not None:
        try:
            item = parse(message)
        except ChatMessageError as problem:
            malformed += 1
            await _complain(line, problem, malformed)
            continue
        if item is not None:
            yield item


async def _complain(line: WebSocketLine, problem: ChatMessageError, count: int) -> None:
    if count == 1:
        logger.warning("chat.message_malformed", reason=str(problem))
    if count < MALFORMED_BUDGET:
        await line.send(error(problem.code, str(problem)))
        return
    logger.warning("chat.refused", reason="too many malformed messages")
    await line.close(POLICY, "too many malformed messages")
