"""All tools without code of a running agent: opened together, offered together."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import anyio

from voice_agent.core.clock import Clock
from voice_agent.core.errors import ConfigurationError
from voice_agent.engines.guarded_http import guarded_client
from voice_agent.tools.base import Tool
from voice_agent.tools.custom.health import Health
from voice_agent.tools.custom.settings import CustomToolSettings
from voice_agent.tools.custom.webhook import Webhook

if TYPE_CHECKING:
    from voice_agent.tools.custom.mcp_server import McpServer

Offer = Callable[[Sequence[Tool]], None]
"""Takes all custom tools there are now; called again whenever they change."""

NO_MCP: Final = "mcp_servers: install the extra first: pip install 'voice-agent[mcp]'"


@dataclass(frozen=True, slots=True)
class CustomTool:
    """A tool, where it comes from and how it does."""

    tool: Tool
    source: str
    health: Health


class CustomTools:
    """The webhooks and MCP servers of the settings."""

    def __init__(self, webhooks: Sequence[Webhook], offer: Offer) -> None:
        """`offer` is told of every change."""
        self._webhooks = [(webhook, webhook.tool()) for webhook in webhooks]
        self._offer = offer
        self.servers: dict[str, McpServer] = {}

    def listing(self) -> list[CustomTool]:
        """Every tool there is now."""
        hooks = [
            CustomTool(tool, f"webhook {urlsplit(hook.settings.url).hostname}", hook.health)
            for hook, tool in self._webhooks
        ]
        served = [
            CustomTool(tool, f"mcp {name}", server.health)
            for name, server in self.servers.items()
            for tool in server.tools
        ]
        return [*hooks, *served]

    def announce(self) -> None:
        """Offer what there is now."""
        self._offer([entry.tool for entry in self.listing()])

    async def settled(self, within: float) -> None:
        """Wait until every server was reached or found missing, at most so many seconds."""
        with anyio.move_on_after(within):
            for server in self.servers.values():
                await server.settled.wait()


@asynccontextmanager
async def open_custom_tools(
    settings: CustomToolSettings, *, clock: Clock, offer: Offer
) -> AsyncIterator[CustomTools]:
    """Offer the settings' tools inside the block; servers are connected in the background.

    Raises:
        ConfigurationError: there are servers, but the library for them is missing.
    """
    async with guarded_client(settings.policy) as client, anyio.create_task_group() as tasks:
        custom = CustomTools([Webhook(one, client, clock) for one in settings.webhooks], offer)
        if settings.servers:
            custom.servers = _servers(settings, custom.announce)
        for server in custom.servers.values():
            tasks.start_soon(server.run)
        custom.announce()
        try:
            yield custom
        finally:
            tasks.cancel_scope.cancel()


def _servers(settings: CustomToolSettings, changed: Callable[[], None]) -> "dict[str, McpServer]":
    try:
        from voice_agent.tools.custom.mcp_server import McpServer
    except ModuleNotFoundError:
        raise ConfigurationError(NO_MCP) from None
    return {
        name: McpServer(name, one, settings.policy, changed)
        for name, one in settings.servers.items()
    }
