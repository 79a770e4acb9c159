"""An agent whose hosted engines are simulated in the test's own process, and a call to it."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio.to_thread

from support.running_agent import RunningAgent, running_agent
from voice_agent.simulation.call_job import CallOrder, CallOutcome, HangUpSwitch, carry_out
from voice_agent.simulation.call_record import fetch_record
from voice_agent.simulation.caller import Manners
from voice_agent.simulation.phone import new_client
from voice_agent.simulation.script_file import Plan, SayText


@dataclass(frozen=True)
class HeldCall:
    """What the phone and the server know of it."""

    outcome: CallOutcome
    record: Mapping[str, Any]

    def events(self, kind: str) -> list[dict[str, Any]]:
        return [event["data"] for event in self.record["events"] if event["kind"] == kind]

    @property
    def engines(self) -> dict[str, str]:
        return dict(self.record["engines"])


@asynccontextmanager
async def hosted_agent(
    folder: Path, engines: Mapping[str, Sequence[str]], options: Mapping[str, Any]
) -> AsyncIterator[RunningAgent]:
    """A server of its own process with these engines in these roles."""
    settings = {role: ",".join(names) for role, names in engines.items()}
    settings |= {"engine_options": json.dumps(options), "greeting": "Hello, how can I help?"}
    server = running_agent(folder, **settings)
    agent = await anyio.to_thread.run_sync(server.__enter__)
    try:
        yield agent
    finally:
        await anyio.to_thread.run_sync(server.__exit__, None, None, None)


async def hold(agent: RunningAgent, *texts: str, url: str = "") -> HeldCall:
    """Call, say this, and wait long enough for a slow answer."""
    plan = Plan([SayText(text) for text in texts], Manners(longest=60.0, farewell=3.5))
    order = CallOrder(url or agent.url, plan, agent.token)
    outcome = await carry_out(order, HangUpSwitch())
    async with new_client(agent.url) as client:
        record = await fetch_record(client, agent.url, outcome.phone.call_id)
    return HeldCall(outcome, record)
