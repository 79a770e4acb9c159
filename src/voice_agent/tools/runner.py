"""Runs tools under one policy: checked, permitted, in time, and each effect exactly once."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import anyio
import structlog

from voice_agent.compliance.permits import ALLOWED, Decision, ToolPermit, permit_tool
from voice_agent.core.chat import (
    JsonObject,
    ToolCall,
    ToolContext,
    ToolDeclaration,
    ToolEffect,
    ToolResult,
)
from voice_agent.core.clock import Clock
from voice_agent.core.errors import PermissionDeniedError, ToolError
from voice_agent.tools.base import Access, Tool, ToolOutcome
from voice_agent.tools.ledger import IdempotencyKey, Ledger, idempotency_key
from voice_agent.tools.registry import unique
from voice_agent.tools.schema import ArgumentsRefused

Authorize = Callable[[Tool, ToolContext], Decision]
"""Asked before every run; unknown facts mean no."""

_CONTEXT: Final = "context"

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Job:
    """One checked request."""

    tool: Tool
    call: ToolCall
    context: ToolContext
    values: Mapping[str, Any]
    key: IdempotencyKey


class ToolRunner:
    """Runs tools to their one terminal result.

    Reads of a call run side by side, writes one after another. A write that began is finished
    even when the reply that asked for it is cancelled; a read is dropped with it.
    """

    def __init__(
        self,
        tools: Sequence[Tool],
        services: Mapping[str, object],
        *,
        authorize: Authorize,
        clock: Clock,
    ) -> None:
        """`services` by name, as the tools' keyword-only parameters ask for them.

        A tool that asks for one that is None is left out: this business has no such thing.

        Raises:
            ConfigurationError: two tools have one name.
            TypeError: a tool asks for a service that is not there.
        """
        lacking = {name for name, service in services.items() if service is None}
        offered = (tool for tool in unique(tools) if lacking.isdisjoint(tool.services))
        self._fixed = {tool.name: tool for tool in offered}
        self._tools = self._fixed
        self._services = services
        self._authorize = authorize
        self._clock = clock
        self._ledger = Ledger()
        for tool in tools:
            missing = set(tool.services) - {_CONTEXT, *services}
            if missing:
                raise TypeError(f"{tool.name} asks for unknown services: {sorted(missing)}")

    @property
    def declarations(self) -> tuple[ToolDeclaration, ...]:
        """The tools a model may call."""
        return tuple(tool.declaration for tool in self._tools.values())

    async def execute(self, call: ToolCall, context: ToolContext) -> ToolResult:
        """Run a tool to its one terminal result; failures are results, not exceptions.

        The same tool with arguments that mean the same, in the same turn of the same call, has
        its effect once: every repetition gets the first one's result.
        """
        started = self._clock.now()
        try:
            result = await self._dispatch(call, context)
        except Exception as error:  # noqa: BLE001 - whatever breaks, the call goes on
            _log.error("tool.broken", tool=call.name, error=type(error).__name__)
            result = _failed(call, "tool_failed", "That failed for a technical reason.")
        milliseconds = (self._clock.now() - started) * 1000
        return replace(result, call_id=call.id, duration_ms=round(milliseconds, 3))

    def extend(self, tools: Sequence[Tool]) -> None:
        """Offer these beside the tools it was made with, in place of those it was extended by.

        One whose name is taken, or that asks for an unknown service, is left out.
        """
        added: dict[str, Tool] = {}
        for tool in tools:
            fit = set(tool.services) <= {_CONTEXT, *self._services}
            if tool.name in self._fixed or tool.name in added or not fit:
                _log.warning("tool.left_out", tool=tool.name)
            else:
                added[tool.name] = tool
        self._tools = {**self._fixed, **added}

    def forget(self, call_id: str) -> None:
        """Drop what is remembered of a call that is over."""
        self._ledger.forget(call_id)

    async def _dispatch(self, call: ToolCall, context: ToolContext) -> ToolResult:
        tool = self._tools.get(call.name)
        if tool is None:
            return _failed(call, "unknown_tool", self._unknown())
        try:
            values = tool.parameters.validate(call.arguments)
        except ArgumentsRefused as error:
            return _failed(call, "invalid_arguments", f"Correct the arguments: {error}.")
        key = idempotency_key(context, tool.name, tool.parameters.canonical(values))
        return await self._once(_Job(tool, call, context, values, key))

    async def _once(self, job: _Job) -> ToolResult:
        async with self._ledger.turn_of(job.key):
            known = self._ledger.result(job.key)
            return known or await self._permitted(job)

    async def _permitted(self, job: _Job) -> ToolResult:
        try:
            permit = permit_tool(
                self._authorize(job.tool, job.context),
                tool=job.tool.name,
                call_id=job.context.call_id,
                turn=job.context.turn,
            )
        except PermissionDeniedError as error:
            _log.info("tool.denied", tool=job.tool.name)
            return _failed(job.call, error.code, str(error))
        if job.tool.access is Access.READ:
            return await self._read(job, permit)
        return await self._write(job, permit)

    async def _read(self, job: _Job, permit: ToolPermit) -> ToolResult:
        result = await self._within_time(job, permit)
        if result.ok:
            self._ledger.settle(job.key, result)
        return result

    async def _write(self, job: _Job, permit: ToolPermit) -> ToolResult:
        async with self._ledger.writes_of(job.context.call_id):
            with anyio.CancelScope(shield=True):
                result = await self._within_time(job, permit)
                self._ledger.settle(job.key, result)
        return result

    async def _within_time(self, job: _Job, permit: ToolPermit) -> ToolResult:
        result = None
        with anyio.move_on_after(job.tool.timeout):
            result = await self._run(job, permit)
        if result is not None:
            return result
        _log.warning("tool.timed_out", tool=job.tool.name, timeout_s=job.tool.timeout)
        return _failed(job.call, "timeout", f"{job.tool.name} took too long. {_honest(job.tool)}")

    async def _run(self, job: _Job, permit: ToolPermit) -> ToolResult:
        offered = {**self._services, _CONTEXT: job.context}
        services = {name: offered[name] for name in job.tool.services}
        try:
            return _succeeded(job.call, await job.tool.run(job.values, services, permit))
        except ToolError as refusal:
            return _failed(job.call, refusal.reason, str(refusal), refusal.details)
        except Exception as error:  # noqa: BLE001 - whatever a tool does, the call goes on
            _log.error("tool.failed", tool=job.tool.name, error=type(error).__name__)
            text = f"{job.tool.name} failed for a technical reason. {_honest(job.tool)}"
            return _failed(job.call, "tool_failed", text)

    def _unknown(self) -> str:
        return f"There is no such tool. The tools are: {', '.join(self._tools) or 'none'}."


def allow_all(_tool: Tool, _context: ToolContext) -> Decision:
    """A policy that stands in nobody's way, for tools that every caller may use."""
    return ALLOWED


def _succeeded(call: ToolCall, outcome: ToolOutcome) -> ToolResult:
    content = _as_json(outcome.content)
    return ToolResult(call.id, call.name, ok=True, content=content, effect=outcome.effect)


def _as_json(content: JsonObject) -> JsonObject:
    """What the model will read, while a tool that returns anything else can still be told off."""
    decoded: JsonObject = json.loads(json.dumps(content, allow_nan=False))
    return decoded


def _failed(
    call: ToolCall, code: str, message: str, details: JsonObject | None = None
) -> ToolResult:
    content = {**_as_json(details or {}), "error": code, "message": message}
    return ToolResult(call.id, call.name, ok=False, content=content, effect=ToolEffect.NONE)


def _honest(tool: Tool) -> str:
    if tool.access is Access.READ:
        return "Nothing was found out; say so and offer a person."
    return "It is not certain that it was done; do not say that it was, and offer a person."
