"""The player: ahead of time, without gaps, silent at once when told."""

from dataclasses import dataclass, field

import anyio
import pytest

from voice_agent.core.audio import PHONE
from voice_agent.core.clock import LoopClock
from voice_agent.core.ports import ClearAudio, PlayAudio, SendMark, TransportCommand
from voice_agent.pipeline.player import CHUNK, LEAD, MARK_GRACE, Player, PlayerListener
from voice_agent.pipeline.playout import PlayoutLedger
from voice_agent.simulation.virtual_time import run_virtual


@dataclass
class Wire:
    """Takes commands and notes when."""

    format = PHONE
    sent: list[tuple[float, TransportCommand]] = field(default_factory=list)

    async def send(self, command: TransportCommand) -> None:
        self.sent.append((anyio.current_time(), command))

    def sound(self) -> list[tuple[float, float]]:
        """When how many seconds of sound left."""
        return [
            (at, PHONE.seconds(command.data))
            for at, command in self.sent
            if isinstance(command, PlayAudio)
        ]


@dataclass
class Bench:
    """A player with its wire and what it reported."""

    wire: Wire = field(default_factory=Wire)
    ledger: PlayoutLedger = field(default_factory=PlayoutLedger)
    told: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        listener = PlayerListener(
            audible=lambda turn: self.told.append(("audible", turn)),
            quiet=lambda turn: self.told.append(("quiet", turn)),
            finished=lambda turn: self.told.append(("finished", turn)),
        )
        self.player = Player(self.wire, self.ledger, LoopClock(), listener)  # type: ignore[arg-type]

    async def play(self, seconds: float, *, stall: float = 0.0) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.player.run)
            self.player.begin(1)
            await self.player.play(1, PHONE.silence(seconds))
            self.player.mark(1, "end", last=True)
            await anyio.sleep(seconds + stall)
            tasks.cancel_scope.cancel()


def dryness(sound: list[tuple[float, float]]) -> float:
    """Seconds in which the caller's end had nothing to play between two chunks."""
    until, dry = sound[0][0], 0.0
    for at, seconds in sound:
        dry += max(0.0, at - until)
        until = max(until, at) + seconds
    return dry


def test_sound_leaves_ahead_of_time_but_never_more_than_the_lead() -> None:
    bench = Bench()
    run_virtual(bench.play, 3.0)
    sound = bench.wire.sound()
    start = sound[0][0]
    played = 0.0
    for at, seconds in sound:
        assert played + seconds - (at - start) <= LEAD + 1e-6
        played += seconds
    assert played == pytest.approx(3.0)
    assert dryness(sound) == 0.0


def test_a_late_writer_repays_the_stall_out_of_the_lead() -> None:
    async def stalled() -> Bench:
        bench = Bench()
        slow = bench.wire.send

        async def stall_once_a_second(command: TransportCommand) -> None:
            await slow(command)
            if len(bench.wire.sound()) % 10 == 5:
                await anyio.sleep(LEAD - CHUNK - 0.02)

        bench.wire.send = stall_once_a_second  # type: ignore[method-assign]
        await bench.play(5.0)
        return bench

    assert dryness(run_virtual(stalled).wire.sound()) == 0.0


def test_a_clear_drops_what_is_queued_and_tells_the_callers_end() -> None:
    async def interrupted() -> Bench:
        bench = Bench()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(bench.player.run)
            bench.player.begin(1)
            await bench.player.play(1, PHONE.silence(3.0))
            await anyio.sleep(1.0)
            bench.player.clear(1)
            await anyio.sleep(1.0)
            tasks.cancel_scope.cancel()
        return bench

    bench = run_virtual(interrupted)
    assert isinstance(bench.wire.sent[-1][1], ClearAudio)
    assert sum(seconds for _, seconds in bench.wire.sound()) <= 1.0 + LEAD
    assert bench.ledger.heard_seconds(99.0) == pytest.approx(1.0, abs=0.01)


def test_sound_of_an_old_turn_is_dropped() -> None:
    async def late() -> Bench:
        bench = Bench()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(bench.player.run)
            bench.player.begin(2)
            await bench.player.play(1, PHONE.silence(1.0))
            bench.player.mark(1, "old")
            await anyio.sleep(1.0)
            tasks.cancel_scope.cancel()
        return bench

    assert run_virtual(late).wire.sent == []


def test_a_line_that_keeps_its_marks_does_not_hold_the_call_for_ever() -> None:
    bench = Bench()

    async def unanswered() -> None:
        await bench.play(1.0, stall=MARK_GRACE + 0.5)

    run_virtual(unanswered)
    assert bench.told[-1] == ("finished", 1)
    assert isinstance(bench.wire.sent[-1][1], SendMark)


def test_drips_of_sound_are_gathered_before_a_silent_line_is_sent_any() -> None:
    async def dripping() -> Bench:
        bench = Bench()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(bench.player.run)
            bench.player.begin(1)
            for _ in range(20):
                await bench.player.play(1, PHONE.silence(0.017))
                await anyio.sleep(0.005)
            await anyio.sleep(1.0)
            tasks.cancel_scope.cancel()
        return bench

    assert dryness(run_virtual(dripping).wire.sound()) == 0.0


def test_running_dry_in_the_middle_of_a_reply_is_reported_once() -> None:
    async def drying() -> Bench:
        bench = Bench()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(bench.player.run)
            bench.player.begin(1)
            await bench.player.play(1, PHONE.silence(0.5))
            await anyio.sleep(3.0)
            await bench.player.play(1, PHONE.silence(0.5))
            await anyio.sleep(0.1)
            tasks.cancel_scope.cancel()
        return bench

    assert run_virtual(drying).told == [("audible", 1), ("quiet", 1), ("audible", 1)]


def test_a_full_queue_makes_the_synthesiser_wait_and_a_clear_frees_it() -> None:
    async def overfull() -> float:
        bench = Bench()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(bench.player.run)
            bench.player.begin(1)
            await bench.player.play(1, PHONE.silence(61.0))
            started = anyio.current_time()
            tasks.start_soon(_clear_after, bench.player, 0.25)
            await bench.player.play(1, PHONE.silence(1.0))
            tasks.cancel_scope.cancel()
            return anyio.current_time() - started
        return -1.0

    assert run_virtual(overfull) == pytest.approx(0.25, abs=0.05)


async def _clear_after(player: Player, seconds: float) -> None:
    await anyio.sleep(seconds)
    player.clear(1)
