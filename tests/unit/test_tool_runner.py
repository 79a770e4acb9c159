"""The tool runner: one terminal result, each effect once, in time, permitted."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
import pytest
from structlog.testing import capture_logs

from voice_agent.compliance.permits import Decision
from voice_agent.core.chat import JsonObject, ToolCall, ToolContext, ToolResult
from voice_agent.core.clock import LoopClock
from voice_agent.core.errors import ConfigurationError, ToolError
from voice_agent.core.ports import ToolExecutor
from voice_agent.simulation.virtual_time import run_virtual
from voice_agent.tools.base import Access, Tool
from voice_agent.tools.ledger import Ledger, idempotency_key
from voice_agent.tools.runner import Authorize, ToolRunner, allow_all


@dataclass
class World:
    """What the tools below change, and when."""

    log: list[str] = field(default_factory=list)
    seconds: float = 1.0

    async def work(self, name: str) -> JsonObject:
        self.log.append(f"{name} begins")
        await anyio.sleep(self.seconds)
        self.log.append(f"{name} ends")
        return {"done": name}


async def look(name: str, *, world: World) -> JsonObject:
    """Look something up.

    Args:
        name: What to look up.
        world: What is changed.
    """
    return await world.work(name)


async def book(name: str, *, world: World) -> JsonObject:
    """Book something.

    Args:
        name: What to book.
        world: What is changed.
    """
    return await world.work(name)


async def refuse() -> JsonObject:
    """Refuse."""
    raise ToolError("That time is taken.", reason="slot_taken")


async def crash(number: str) -> JsonObject:
    """Crash.

    Args:
        number: Something personal.
    """
    raise RuntimeError(f"no row for {number}")


async def babble() -> JsonObject:
    """Return what is not JSON."""
    return {"thing": object()}


READ, WRITE = Tool.of(look, Access.READ), Tool.of(book, Access.WRITE)
OTHERS = (
    Tool.of(refuse, Access.READ),
    Tool.of(crash, Access.WRITE),
    Tool.of(babble, Access.READ),
)
CONTEXT = ToolContext("call", 1)


def runner(world: World, authorize: Authorize = allow_all) -> ToolRunner:
    services = {"world": world}
    return ToolRunner((READ, WRITE, *OTHERS), services, authorize=authorize, clock=LoopClock())


def asked(tool: str, call_id: str = "1", **arguments: object) -> ToolCall:
    return ToolCall(call_id, tool, arguments)


async def together(
    run: ToolRunner, *calls: ToolCall, context: ToolContext = CONTEXT
) -> dict[str, ToolResult]:
    results: dict[str, ToolResult] = {}

    async def one(call: ToolCall) -> None:
        results[call.id] = await run.execute(call, context)

    async with anyio.create_task_group() as tasks:
        for call in calls:
            tasks.start_soon(one, call)
    return results


def virtually(scenario: Callable[[], Awaitable[None]]) -> None:
    run_virtual(scenario)


def test_the_runner_is_a_tool_executor() -> None:
    executor: ToolExecutor = runner(World())
    assert [declared.name for declared in executor.declarations][:2] == ["look", "book"]


def test_a_repeated_call_gets_the_first_result_and_one_effect() -> None:
    world = World()

    async def scenario() -> None:
        run = runner(world)
        first = await run.execute(asked("book", "a", name="desk"), CONTEXT)
        again = await run.execute(asked("book", "b", name=" desk "), CONTEXT)
        assert (first.call_id, again.call_id) == ("a", "b")
        assert first.content == again.content == {"done": "desk"}
        assert again.duration_ms == 0.0
        assert first.duration_ms == pytest.approx(1000.0)

    virtually(scenario)
    assert world.log == ["desk begins", "desk ends"]


def test_equal_calls_at_the_same_time_have_one_effect() -> None:
    world = World()

    async def scenario() -> None:
        calls = [asked("book", str(number), name="desk") for number in range(5)]
        results = await together(runner(world), *calls)
        assert all(result.ok for result in results.values())
        assert len(results) == 5

    virtually(scenario)
    assert world.log == ["desk begins", "desk ends"]


@pytest.mark.parametrize(
    "context", [ToolContext("call", 2), ToolContext("another", 1)], ids=["turn", "call"]
)
def test_another_turn_or_call_has_its_own_effect(context: ToolContext) -> None:
    world = World()

    async def scenario() -> None:
        run = runner(world)
        await run.execute(asked("book", name="desk"), CONTEXT)
        await run.execute(asked("book", name="desk"), context)

    virtually(scenario)
    assert world.log.count("desk begins") == 2


def test_reads_run_side_by_side_and_writes_one_after_another() -> None:
    world = World()

    async def scenario() -> None:
        run = runner(world)
        await together(run, asked("look", "1", name="a"), asked("look", "2", name="b"))
        assert {*world.log[:2]} == {"a begins", "b begins"}
        world.log.clear()
        await together(run, asked("book", "1", name="a"), asked("book", "2", name="b"))
        assert world.log == ["a begins", "a ends", "b begins", "b ends"]

    virtually(scenario)


def test_writes_of_different_calls_do_not_wait_for_each_other() -> None:
    world = World()

    async def scenario() -> None:
        run = runner(world)
        async with anyio.create_task_group() as tasks:
            for call in ("x", "y"):
                tasks.start_soon(run.execute, asked("book", name=call), ToolContext(call, 1))

    virtually(scenario)
    assert world.log == ["x begins", "y begins", "x ends", "y ends"]


@pytest.mark.parametrize("tool", ["look", "book"])
def test_a_tool_that_takes_too_long_fails_after_eight_seconds(tool: str) -> None:
    world = World(seconds=60.0)

    async def scenario() -> None:
        result = await runner(world).execute(asked(tool, name="desk"), CONTEXT)
        assert not result.ok
        assert result.content["error"] == "timeout"
        assert result.duration_ms == pytest.approx(8000.0)

    virtually(scenario)
    assert world.log == ["desk begins"]


def test_a_write_that_timed_out_is_not_tried_again_but_a_read_is() -> None:
    world = World(seconds=60.0)

    async def scenario() -> None:
        run = runner(world)
        for tool in ("look", "book"):
            world.seconds = 60.0
            await run.execute(asked(tool, name=tool), CONTEXT)
            world.seconds = 1.0
            again = await run.execute(asked(tool, name=tool), CONTEXT)
            assert again.ok is (tool == "look")

    virtually(scenario)
    assert world.log == ["look begins", "look begins", "look ends", "book begins"]


def test_an_interruption_drops_a_read() -> None:
    world = World()

    async def scenario() -> None:
        with anyio.move_on_after(0.5):
            await runner(world).execute(asked("look", name="a"), CONTEXT)
        await anyio.sleep(5)

    virtually(scenario)
    assert world.log == ["a begins"]


def test_an_interruption_lets_a_write_finish_and_its_result_is_kept() -> None:
    world = World()

    async def scenario() -> None:
        run = runner(world)
        with anyio.move_on_after(0.5):
            await run.execute(asked("book", name="a"), CONTEXT)
            await anyio.lowlevel.checkpoint()
            world.log.append("not interrupted")
        result = await run.execute(asked("book", name="a"), CONTEXT)
        assert result.ok

    virtually(scenario)
    assert world.log == ["a begins", "a ends"]


def test_whoever_waits_for_an_interrupted_read_reads_for_itself() -> None:
    world = World()

    async def scenario() -> None:
        run = runner(world)
        scope = anyio.CancelScope()

        async def interrupted() -> None:
            with scope:
                await run.execute(asked("look", name="a"), CONTEXT)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(interrupted)
            await anyio.sleep(0.1)
            tasks.start_soon(cancel_later, scope)
            result = await run.execute(asked("look", name="a"), CONTEXT)
            assert result.ok

    virtually(scenario)
    assert world.log == ["a begins", "a begins", "a ends"]


async def cancel_later(scope: anyio.CancelScope) -> None:
    await anyio.sleep(0.1)
    scope.cancel()


def test_a_write_that_waits_its_turn_can_still_be_interrupted() -> None:
    world = World()

    async def scenario() -> None:
        run = runner(world)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run.execute, asked("book", name="a"), CONTEXT)
            await anyio.sleep(0.1)
            with anyio.move_on_after(0.2) as scope:
                await run.execute(asked("book", name="b"), CONTEXT)
            assert scope.cancelled_caught

    virtually(scenario)
    assert world.log == ["a begins", "a ends"]


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("call", "code", "told"),
    [
        (asked("refuse"), "slot_taken", "That time is taken."),
        (asked("crash", number="12345"), "tool_failed", "It is not certain that it was done"),
        (asked("babble"), "tool_failed", "Nothing was found out"),
        (asked("look"), "invalid_arguments", "name: Field required"),
        (asked("look", name="a", colour=1), "invalid_arguments", "colour"),
        (asked("fly"), "unknown_tool", "The tools are: look, book, refuse, crash, babble."),
    ],
    ids=lambda value: value.name if isinstance(value, ToolCall) else None,
)
async def test_every_failure_is_one_honest_result(call: ToolCall, code: str, told: str) -> None:
    result = await runner(World()).execute(call, CONTEXT)
    assert (result.ok, result.call_id, result.name) == (False, call.id, call.name)
    assert result.content["error"] == code
    assert told in result.content["message"]


@pytest.mark.anyio
async def test_a_crash_is_logged_without_personal_data() -> None:
    with capture_logs() as logs:
        result = await runner(World()).execute(asked("crash", number="12345"), CONTEXT)
    assert logs == [
        {"event": "tool.failed", "log_level": "error", "tool": "crash", "error": "RuntimeError"}
    ]
    assert "12345" not in str(result.content)


@pytest.mark.anyio
async def test_what_is_not_permitted_does_not_happen_and_may_be_asked_again() -> None:
    world = World(seconds=0.0)
    decisions = [Decision(False, "no_consent", "The caller is not verified."), Decision(True, "ok")]
    seen: list[tuple[str, int]] = []

    def authorize(tool: Tool, context: ToolContext) -> Decision:
        seen.append((tool.name, context.turn))
        return decisions.pop(0)

    run = runner(world, authorize)
    denied = await run.execute(asked("book", name="a"), CONTEXT)
    assert denied.content == {
        "error": "permission_denied",
        "message": "The caller is not verified.",
    }
    assert world.log == []
    assert (await run.execute(asked("book", name="a"), CONTEXT)).ok
    assert seen == [("book", 1), ("book", 1)]


@pytest.mark.anyio
async def test_a_policy_that_breaks_means_no() -> None:
    world = World(seconds=0.0)

    def broken(_tool: Tool, _context: ToolContext) -> Decision:
        raise LookupError

    result = await runner(world, broken).execute(asked("book", name="a"), CONTEXT)
    assert not result.ok
    assert world.log == []


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="two tools called look"):
        ToolRunner((READ, READ), {"world": World()}, authorize=allow_all, clock=LoopClock())


def test_a_tool_that_asks_for_an_unknown_service_is_refused_at_the_start() -> None:
    with pytest.raises(TypeError, match="world"):
        ToolRunner((READ,), {}, authorize=allow_all, clock=LoopClock())


@pytest.mark.anyio
async def test_what_is_remembered_is_bounded_and_can_be_forgotten() -> None:
    ledger = Ledger()
    result = ToolResult("1", "look", ok=True, content={})
    keys = [idempotency_key(ToolContext(f"call-{n}", 1), "look", {}) for n in range(1500)]
    for key in keys:
        ledger.settle(key, result)
    assert ledger.result(keys[-1]) == result
    assert ledger.result(keys[0]) is None
    ledger.forget(keys[-1].call_id)
    assert ledger.result(keys[-1]) is None
