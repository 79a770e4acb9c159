"""`voice-agent tools`: what the model may call, where it comes from, and one try of it."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from voice_agent.config import Settings
    from voice_agent.core.chat import JsonObject, ToolResult
    from voice_agent.core.clock import Clock
    from voice_agent.tools.custom.catalogue import CustomTools
    from voice_agent.tools.runner import ToolRunner

T = TypeVar("T")
Use = Callable[["ToolRunner", "CustomTools"], Awaitable[T]]

SAMPLE_DATA = "demo"
SETTLED_WITHIN = 20.0
"""How long MCP servers are waited for (s)."""

tools = typer.Typer(help="List the tools of the agent and try one.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, with the whole schemas.")]
Name = Annotated[str, typer.Argument(help="The tool, as `voice-agent tools list` names it.")]
Arguments = Annotated[str, typer.Argument(help='Its arguments, like {"order_id": "1042"}.')]
Sure = Annotated[bool, typer.Option("--yes", help="Do not ask before something is changed.")]


@tools.command("list")
def list_tools(*, as_json: AsJson = False) -> None:
    """Show every tool with its source, what it does to the world, its parameters and its health."""
    import orjson
    from rich.console import Console
    from rich.table import Table

    found = _with_tools(_listed)
    if as_json:
        typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
        return
    table = Table("tool", "source", "access", "parameters", "health", box=None, pad_edge=False)
    for row in found:
        parameters = _briefly(row["schema"])
        table.add_row(row["name"], row["source"], row["access"], parameters, row["health"])
    Console().print(table)


@tools.command("call")
def call_tool(name: Name, arguments: Arguments = "{}", *, yes: Sure = False) -> None:
    """Run one tool as a model would and print its result; exit code 1 when it failed.

    It is the real thing: what changes something changes it.
    """
    import orjson

    given = _read_arguments(arguments)

    async def tried(runner: "ToolRunner", _custom: "CustomTools") -> "ToolResult":
        return await _try(runner, name, given, sure=yes)

    result = _with_tools(tried)
    text = orjson.dumps(dict(result.content), default=str, option=orjson.OPT_INDENT_2).decode()
    typer.echo(text)
    typer.echo(f"{'ok' if result.ok else 'failed'} in {result.duration_ms:.0f} ms", err=True)
    if not result.ok:
        raise typer.Exit(1)


async def _listed(runner: "ToolRunner", custom: "CustomTools") -> list[dict[str, Any]]:
    """Everything that is offered, and the servers that offer nothing."""
    added = {entry.tool.name: entry for entry in custom.listing()}
    rows = []
    for declared in runner.declarations:
        entry = added.get(declared.name)
        rows.append(
            {
                "name": declared.name,
                "source": entry.source if entry else "built in",
                "access": str(declared.access or ""),
                "health": entry.health.say() if entry else "ready",
                "description": declared.description,
                "schema": declared.parameters,
            }
        )
    return [*rows, *_silent(custom)]


def _silent(custom: "CustomTools") -> list[dict[str, Any]]:
    return [
        {
            "name": "",
            "source": f"mcp {name}",
            "access": "",
            "health": server.health.say(),
            "description": "",
            "schema": {},
        }
        for name, server in custom.servers.items()
        if not server.tools
    ]


async def _try(
    runner: "ToolRunner", name: str, arguments: "JsonObject", *, sure: bool
) -> "ToolResult":
    from uuid import uuid4

    from voice_agent.core.chat import ToolAccess, ToolCall, ToolContext

    access = {declared.name: declared.access for declared in runner.declarations}
    if name in access and access[name] is not ToolAccess.READ and not sure:
        typer.confirm(f"{name} changes something. Run it?", abort=True)
    context = ToolContext(f"cli-{uuid4().hex}", 1)
    return await runner.execute(ToolCall("cli", name, arguments), context)


def _read_arguments(text: str) -> "JsonObject":
    import orjson

    try:
        given = orjson.loads(text)
    except orjson.JSONDecodeError:
        given = None
    if not isinstance(given, dict):
        raise typer.BadParameter('the arguments are no JSON object like {"order_id": "1042"}')
    return given


def _briefly(schema: "JsonObject") -> str:
    """`item, branch?`: a question mark where it may be left out."""
    required = schema.get("required", ())
    names = schema.get("properties", {})
    return ", ".join(name if name in required else f"{name}?" for name in names)


def _with_tools(use: "Use[T]") -> T:
    """Open what the settings name, as the server would, and use it.

    Raises:
        ConfigurationError: a setting is wrong.
        StorageError: the database cannot be used.
    """
    import anyio

    from voice_agent.config import load_settings
    from voice_agent.core.clock import LoopClock
    from voice_agent.tools.custom.catalogue import open_custom_tools
    from voice_agent.tools.custom.settings import CustomToolSettings
    from voice_agent.tools.registry import builtin_tools
    from voice_agent.tools.runner import ToolRunner, allow_all

    settings = load_settings()
    custom_settings = CustomToolSettings.read(
        settings.custom_tools,
        settings.mcp_servers,
        settings.outbound_allowed,
    )

    async def used() -> T:
        clock = LoopClock()
        async with AsyncExitStack() as stack:
            services = await _services(settings, clock, stack)
            runner = ToolRunner(builtin_tools(), services, authorize=allow_all, clock=clock)
            opened = open_custom_tools(custom_settings, clock=clock, offer=runner.extend)
            custom = await stack.enter_async_context(opened)
            await custom.settled(SETTLED_WITHIN)
            return await use(runner, custom)

    return anyio.run(used)


async def _services(
    settings: "Settings", clock: "Clock", stack: AsyncExitStack
) -> "Mapping[str, object]":
    """The business behind the built-in tools, with its sample data where that is wanted."""
    from zoneinfo import ZoneInfo

    from voice_agent.storage.sql.calendar import public_holidays
    from voice_agent.storage.sql.database import Database
    from voice_agent.storage.sql.repositories.appointments import SqlAppointments
    from voice_agent.storage.sql.repositories.customers import SqlCustomers
    from voice_agent.storage.sql.repositories.departments import SqlDepartments
    from voice_agent.storage.sql.repositories.feedback import SqlFeedback
    from voice_agent.storage.sql.repositories.orders import SqlOrders
    from voice_agent.storage.sql.repositories.transfers import SqlTransfers
    from voice_agent.storage.sql.seed import seed
    from voice_agent.tools.business import Business

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = await stack.enter_async_context(Database(settings.database))
    if settings.sample_data:
        now = clock.wall()
        today = now.astimezone(ZoneInfo(settings.timezone)).date()
        await seed(database, SAMPLE_DATA, today=today, now=now)
    return Business(
        orders=SqlOrders(database),
        departments=SqlDepartments(database, public_holidays(settings.business_region)),
        transfers=SqlTransfers(database),
        clock=clock,
        appointments=SqlAppointments(database),
        customers=SqlCustomers(database),
        feedback=SqlFeedback(database),
        region=settings.business_region,
    ).services()
