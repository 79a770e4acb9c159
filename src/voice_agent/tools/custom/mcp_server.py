"""One MCP server: connected as long as the application runs, and again whenever it was lost.

```text
            connect ──▶ list its tools ──▶ wait: its list changed, a call failed, 15 s passed
   ▲                          ▲                       │
   │ 0.5 s … 60 s             └───────────────────────┤ list again: does it still answer?
   └───────────── its tools stay, unavailable ◀───────┘ no
```
"""

import math
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import anyio
import httpx2
import structlog
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ListenNotSupportedError, SubscriptionLost
from mcp.shared.exceptions import MCPError
from mcp_types import INVALID_PARAMS, METHOD_NOT_FOUND, ToolListChangedNotification
from mcp_types import Tool as OfferedTool

from voice_agent.compliance.outbound import OutboundPolicy
from voice_agent.core.chat import JsonObject
from voice_agent.core.errors import ToolError
from voice_agent.engines.guarded_http import OutboundRefused, guarded_client
from voice_agent.tools.base import Access, Tool
from voice_agent.tools.custom.health import Health
from voice_agent.tools.custom.json_schema import plain_text
from voice_agent.tools.custom.mcp_tools import (
    access_of,
    chosen,
    content_of,
    description_of,
    parameters_of,
)
from voice_agent.tools.custom.names import name_of_tool
from voice_agent.tools.custom.results import LONGEST_REASON, not_sure
from voice_agent.tools.custom.settings import McpServerSettings

CONNECT_WITHIN: Final = 15.0
"""How long a server may take to start and to say what it offers (s)."""
CHECK_EVERY: Final = 15.0
"""How often it is asked whether it is still there (s)."""
FIRST_PAUSE: Final = 0.5
LONGEST_PAUSE: Final = 60.0
_MOST_PAGES: Final = 20

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class McpServer:
    """Keeps one server's connection and offers what it offers; `changed` is told of news."""

    name: str
    settings: McpServerSettings
    policy: OutboundPolicy
    changed: Callable[[], None]
    health: Health = field(default_factory=Health)
    tools: tuple[Tool, ...] = ()
    settled: anyio.Event = field(default_factory=anyio.Event)
    """Set once it was reached, or was found not to be there."""
    _client: Client | None = None
    _wake: anyio.Event = field(default_factory=anyio.Event)

    async def run(self) -> None:
        """Stay connected until cancelled; never raises."""
        pause = FIRST_PAUSE
        while True:
            self._wake = anyio.Event()
            connected = await self._connected_once()
            self.settled.set()
            pause = FIRST_PAUSE if connected else min(2 * pause, LONGEST_PAUSE)
            await anyio.sleep(pause)

    async def call(self, tool: str, access: Access, arguments: JsonObject) -> JsonObject:
        """Run one of its tools.

        Raises:
            ToolError: it refused, is not there, or answered nonsense.
        """
        client = self._client
        if client is None:
            raise ToolError("The service is not available. It was not done.", reason="unavailable")
        try:
            result = await client.call_tool(tool, dict(arguments))
        except MCPError as error:
            raise self._failed(error, access) from None
        except Exception as error:  # noqa: BLE001 - whatever its answer breaks, the call goes on
            log.warning("mcp.answer_unfit", server=self.name, error=type(error).__name__)
            text = f"The service answered something unfit. {not_sure(access)}"
            raise ToolError(text, reason="bad_response") from None
        return content_of(result)

    # ── the connection ──────────────────────────────────────────────────────────────────

    async def _connected_once(self) -> bool:
        """One connection from its beginning to its loss; returns whether it ever worked."""
        worked = False
        try:
            with anyio.CancelScope(deadline=anyio.current_time() + CONNECT_WITHIN) as patience:
                async with self._new_client() as client:
                    await self._learn(client)
                    patience.deadline = math.inf
                    worked, self._client = True, client
                    self.health.worked()
                    self.settled.set()
                    await self._watch(client)
            self._note_loss("it did not answer in time")
        except Exception as error:  # noqa: BLE001 - another's program: any failure is a loss
            self._note_loss(_reason(error))
        return worked

    async def _watch(self, client: Client) -> None:
        """Look again on every hint and every few seconds, until it does not answer.

        Raises:
            Exception: it does not answer.
        """
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._listen, client)
            while True:
                with anyio.move_on_after(CHECK_EVERY):
                    await self._wake.wait()
                self._wake = anyio.Event()
                with anyio.fail_after(CONNECT_WITHIN):
                    await self._learn(client)

    async def _listen(self, client: Client) -> None:
        """Newer servers tell of changes only to those who listen."""
        while True:
            try:
                async with client.listen(tools_list_changed=True) as events:
                    async for _event in events:
                        self._wake.set()
            except (ListenNotSupportedError, MCPError):
                return
            except (SubscriptionLost, TimeoutError):
                self._wake.set()
            await anyio.sleep(CHECK_EVERY)

    async def _learn(self, client: Client) -> None:
        offered: list[OfferedTool] = []
        cursor: str | None = None
        for _ in range(_MOST_PAGES):
            page = await client.list_tools(cursor=cursor, cache_mode="bypass")
            offered += page.tools
            cursor = page.next_cursor
            if cursor is None:
                break
        self._offer(offered)

    def _offer(self, offered: Sequence[OfferedTool]) -> None:
        tools = [self._tool(one) for one in chosen(offered, self.settings.tools)]
        found = tuple(tool for tool in tools if tool is not None)
        if [_look(tool) for tool in found] != [_look(tool) for tool in self.tools]:
            self.tools = found
            self.changed()

    def _tool(self, offered: OfferedTool) -> Tool | None:
        parameters = parameters_of(offered)
        if parameters is None:
            log.warning("mcp.tool_left_out", server=self.name, tool=offered.name[:64])
            return None
        access = access_of(offered, self.settings.access)

        async def run(arguments: JsonObject) -> JsonObject:
            return await self.call(offered.name, access, arguments)

        return Tool(
            name=name_of_tool(self.name, offered.name),
            description=description_of(offered),
            access=access,
            parameters=parameters,
            function=run,
            timeout=self.settings.timeout_s,
        )

    def _new_client(self) -> Client:
        return Client(
            self._transport(),
            read_timeout_seconds=CONNECT_WITHIN,
            message_handler=self._noticed,
            cache=None,
        )

    def _transport(self) -> AbstractAsyncContextManager[Any]:
        if self.settings.url:
            return _over_http(self.settings, self.policy)
        return stdio_client(_program(self.settings), errlog=sys.__stderr__ or sys.stderr)

    async def _noticed(self, message: object) -> None:
        if isinstance(message, ToolListChangedNotification):
            self._wake.set()

    # ── failures ────────────────────────────────────────────────────────────────────────

    def _failed(self, error: MCPError, access: Access) -> ToolError:
        if error.code in (INVALID_PARAMS, METHOD_NOT_FOUND):
            told = plain_text(error.message, LONGEST_REASON)
            return ToolError(told or "The service refused.", reason="refused")
        self._wake.set()
        return ToolError(f"The service is not available. {not_sure(access)}", reason="unavailable")

    def _note_loss(self, reason: str) -> None:
        self._client = None
        self.health.failed(reason)
        log.warning("mcp.lost", server=self.name, reason=reason)


def _program(settings: McpServerSettings) -> StdioServerParameters:
    return StdioServerParameters(
        command=settings.command,
        args=settings.args,
        env={name: value.get_secret_value() for name, value in settings.env.items()},
        cwd=settings.cwd,
        encoding_error_handler="replace",
    )


@asynccontextmanager
async def _over_http(settings: McpServerSettings, policy: OutboundPolicy) -> AsyncIterator[Any]:
    headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
    async with (
        guarded_client(policy, headers=headers) as client,
        streamable_http_client(settings.url, http_client=client) as streams,
    ):
        yield streams


def _look(tool: Tool) -> tuple[object, ...]:
    """What must differ for a tool to be another one."""
    return tool.name, tool.description, tool.access, tool.parameters.json_schema()


def _reason(error: BaseException) -> str:
    """What went wrong in a few words, without addresses or secrets."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, OutboundRefused | MCPError):
        return plain_text(str(error), LONGEST_REASON)
    if isinstance(error, httpx2.HTTPError):
        return f"it cannot be reached ({type(error).__name__})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
