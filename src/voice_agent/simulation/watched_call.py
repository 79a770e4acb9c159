"""Runs a call in a terminal: a line of progress meanwhile, the report afterwards."""

import signal
from contextlib import nullcontext

import anyio
from rich.console import Console
from rich.status import Status

from voice_agent.core.errors import TransportClosed, VoiceAgentError
from voice_agent.simulation.call_job import CallOrder, CallOutcome, HangUpSwitch, carry_out
from voice_agent.simulation.handset import Handset
from voice_agent.simulation.show import progress, show_report

REFRESH = 0.2


def run_watched(order: CallOrder) -> CallOutcome:
    """Carry out the order; the first Ctrl-C hangs up, so that the report still comes.

    Raises:
        VoiceAgentError: the call did not take place.
    """
    return anyio.run(_run, order)


def present(outcome: CallOutcome) -> None:
    """Print the report."""
    show_report(Console(), outcome.report)


async def _run(order: CallOrder) -> CallOutcome:
    console = Console(stderr=True)
    status = console.status("ringing") if console.is_terminal else None
    switch = HangUpSwitch()
    answered: list[Handset] = []
    outcome: CallOutcome | VoiceAgentError = TransportClosed("interrupted")
    async with anyio.create_task_group() as group:
        group.start_soon(_on_interrupt, switch, answered, group.cancel_scope)
        with status or nullcontext():
            if status:
                group.start_soon(_refresh, status, answered)
            try:
                outcome = await carry_out(order, switch, answered.append)
            except VoiceAgentError as error:
                outcome = error
        group.cancel_scope.cancel()
    if isinstance(outcome, VoiceAgentError):
        raise outcome
    return outcome


async def _on_interrupt(
    switch: HangUpSwitch, answered: list[Handset], scope: anyio.CancelScope
) -> None:
    with anyio.open_signal_receiver(signal.SIGINT) as signals:
        async for _ in signals:
            if switch.pressed or not answered:
                scope.cancel()
            switch.pressed = True


async def _refresh(status: Status, answered: list[Handset]) -> None:
    while True:
        if answered:
            status.update(progress(answered[-1]))
        await anyio.sleep(REFRESH)
