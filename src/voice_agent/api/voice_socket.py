"""`/ws/voice`: a call from the browser."""

from collections.abc import Awaitable, Callable
from typing import Protocol
from uuid import uuid4

import anyio
import structlog
from fastapi import APIRouter, WebSocket

from voice_agent.api.origin import is_same_origin
from voice_agent.core.call import Call, Channel, Direction, Disposition
from voice_agent.core.clock import Clock
from voice_agent.core.errors import TransportClosed
from voice_agent.core.ports import MediaTransport
from voice_agent.transports.browser import BrowserTransport
from voice_agent.transports.websocket_line import WebSocketLine

logger = structlog.get_logger(__name__)
router = APIRouter()


class VoiceServices(Protocol):
    """The part of `app.state.services` that the socket uses."""

    @property
    def run_call(self) -> Callable[[Call, MediaTransport], Awaitable[Disposition]]:
        """Leads a call to its end; never raises."""
        ...

    @property
    def clock(self) -> Clock:
        """Time."""
        ...


@router.websocket("/ws/voice")
async def talk(socket: WebSocket) -> None:
    """A call from a page of this host, from its `hello` to `ended`."""
    services: VoiceServices = socket.app.state.services
    await socket.accept()
    transport = BrowserTransport(WebSocketLine(socket))
    if not is_same_origin(socket):
        logger.warning("browser.refused", reason="another site's page")
        await transport.refuse("another site's page")
        return
    call = Call(uuid4().hex, Channel.BROWSER, Direction.INBOUND, services.clock.wall())
    try:
        await transport.started(call.id)
    except TransportClosed as error:
        logger.info("browser.refused", reason=str(error))
        await transport.refuse("no hello")
        return
    await _converse(services, call, transport)


async def _converse(services: VoiceServices, call: Call, transport: BrowserTransport) -> None:
    disposition = Disposition.FAILED
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(transport.write_events)
            disposition = await services.run_call(call, transport)
            group.cancel_scope.cancel()
    finally:
        await transport.finish(disposition)
