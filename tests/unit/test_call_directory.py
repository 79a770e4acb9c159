"""The directory of live calls: snapshots that follow, commands that arrive."""

from dataclasses import FrozenInstanceError, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.storage import NOW, a_call, events_of
from voice_agent.core.call import Channel, Direction, Disposition
from voice_agent.core.errors import NotFoundError
from voice_agent.core.events import (
    AgentSaid,
    CallEnded,
    CallerHeard,
    CallerSaid,
    CallerStartedSpeaking,
    CallerStoppedSpeaking,
    CallEventPayload,
    CallStarted,
    ReplyStarted,
    ToolFinished,
    ToolStarted,
    Trouble,
)
from voice_agent.pipeline.directory import CallDirectory, CallState, HangUp, mask_caller

STARTED = CallStarted(Channel.PHONE, Direction.INBOUND, "+12125550100", {"stt": "x"})


def following(*payloads: CallEventPayload) -> CallDirectory:
    directory = CallDirectory()
    directory.begin(a_call())
    for event in events_of("call-1", *payloads, turn=3):
        directory.append(event)
    return directory


@pytest.mark.parametrize(
    ("payload", "state"),
    [
        (STARTED, CallState.WAITING),
        (CallerStartedSpeaking(), CallState.LISTENING),
        (CallerStoppedSpeaking(1.0), CallState.CONNECTING),
        (CallerHeard("hm"), CallState.LISTENING),
        (CallerSaid("hm", 1.0), CallState.THINKING),
        (ToolStarted("1", "look", {}), CallState.WORKING),
        (ToolFinished("1", "look", True, 1.0, {}), CallState.THINKING),
        (ReplyStarted(), CallState.SPEAKING),
        (AgentSaid("hello"), CallState.WAITING),
    ],
)
def test_a_call_shows_what_it_is_doing(payload: CallEventPayload, state: CallState) -> None:
    assert following(payload).snapshot("call-1").state is state


def test_texts_appear_as_their_length() -> None:
    snapshot = following(STARTED, CallerSaid("hello", 1.0), AgentSaid("goodbye")).snapshot("call-1")
    assert (snapshot.caller_text_length, snapshot.agent_text_length) == (5, 7)
    assert "goodbye" not in repr(snapshot)
    assert snapshot.turn == 3
    assert snapshot.engines == {"stt": "x"}


def test_trouble_is_counted() -> None:
    assert following(*[Trouble("timeout", "llm", "slow")] * 2).snapshot("call-1").troubles == 2


def test_a_snapshot_cannot_be_changed() -> None:
    snapshot = following(STARTED).snapshot("call-1")
    with pytest.raises(FrozenInstanceError):
        snapshot.turn = 9  # type: ignore[misc]
    with pytest.raises(TypeError):
        snapshot.engines["stt"] = "y"  # type: ignore[index]


def test_a_call_leaves_with_its_end_and_late_events_are_ignored() -> None:
    directory = following(STARTED, CallEnded(Disposition.FAILED, 1.0), CallerHeard("late"))
    assert len(directory) == 0
    with pytest.raises(NotFoundError):
        directory.snapshot("call-1")
    directory.remove("call-1")


def test_calls_are_listed_oldest_first() -> None:
    directory = CallDirectory()
    for number in (2, 0, 1):
        call = replace(a_call(f"call-{number}"), started_at=NOW + timedelta(seconds=number))
        directory.begin(call)
    assert [snapshot.id for snapshot in directory.snapshots()] == ["call-0", "call-1", "call-2"]
    directory.remove("call-1")
    assert len(directory) == 2


@pytest.mark.anyio
async def test_a_command_arrives_in_the_calls_mailbox() -> None:
    directory = CallDirectory()
    directory.begin(a_call())
    commands = directory.commands(a_call().id)
    directory.tell("call-1", HangUp("an operator asked"))
    assert await commands.get() == HangUp("an operator asked")
    with pytest.raises(NotFoundError):
        directory.tell("nobody", HangUp())


@given(st.text(max_size=30))
def test_at_most_four_characters_of_a_caller_are_shown(caller: str) -> None:
    masked = mask_caller(caller)
    assert len(masked) == len(caller)
    shown = [new for new, old in zip(masked, caller, strict=True) if new == old != "•"]
    assert len(shown) <= 4
    assert len(shown) <= len(caller) // 2
