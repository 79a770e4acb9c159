"""Whole calls, in real time, with OpenAI's engine and the simulated server behind a socket."""

from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC
from typing import Any

import anyio
import pytest

from support.simulated_providers import desk, serving
from support.staged_call import ListedTexts, ListedTools
from voice_agent.core.audio import PHONE, WIDEBAND, AudioFormat
from voice_agent.core.call import Call, Channel, Direction, Disposition
from voice_agent.core.chat import Finished, FinishReason, Role, ToolCall, ToolEffect
from voice_agent.core.clock import LoopClock
from voice_agent.core.events import AgentSaid, CallerSaid, CallEvent, ReplyStarted, Trouble
from voice_agent.engines.llm.scripted import ScriptedModel, Step, says
from voice_agent.engines.realtime.openai import PROVIDER
from voice_agent.engines.registry import read_options
from voice_agent.engines.stt.scripted import ScriptedRecognizer, ScriptedRecognizerOptions
from voice_agent.engines.tts.scripted import ScriptedSpeechOptions, ScriptedSynthesizer
from voice_agent.engines.vad.energy import EnergyDetector
from voice_agent.pipeline.engines import Engines
from voice_agent.pipeline.phrases import load_phrases
from voice_agent.pipeline.session import CallSession, SessionSettings
from voice_agent.pipeline.turns import TurnPolicy
from voice_agent.simulation.providers.desk import VALID_KEY, Desk
from voice_agent.simulation.providers.faults import Fault, FaultKind
from voice_agent.transports.simulated import SimulatedLine

pytestmark = pytest.mark.anyio

ANSWER = "It has shipped and will be there soon on Friday."
LOOK_UP: list[Step] = [ToolCall("x", "look_up", {}), Finished(FinishReason.TOOL_CALLS)]
Events = list[CallEvent]
Person = Callable[[SimulatedLine, Events], Coroutine[Any, Any, None]]


def provider(*answers: Sequence[Step]) -> Desk:
    texts = ScriptedRecognizerOptions(texts=("where is my order", "stop"))
    return desk(ScriptedModel(*answers), ScriptedRecognizer(texts))


async def converse(
    simulated: Desk, person: Person, audio: AudioFormat = PHONE
) -> tuple[Disposition, list[CallEvent]]:
    """Hold a call with the simulated server; the cascade answers "By the cascade." """
    clock, events = LoopClock(), list[CallEvent]()
    line = SimulatedLine(clock, audio)
    async with serving(simulated) as base:
        values = {"api_key": VALID_KEY, "base_url": f"{base}/openai/v1", "silence_ms": 200}
        engines = Engines(
            EnergyDetector(),
            ListedTexts(["and by the cascade"]),
            ScriptedModel(says("By the cascade.")),
            ScriptedSynthesizer(ScriptedSpeechOptions()),
            ListedTools({"look_up": (0.05, {"status": "shipped"}, ToolEffect.NONE)}),
            realtime=PROVIDER.build(read_options(PROVIDER, values)),
        )
        settings = SessionSettings(load_phrases("en", "the shop", "Hi."), TurnPolicy(), UTC)
        call = Call("CA1", Channel.PHONE, Direction.INBOUND, clock.wall())
        session = CallSession(
            call, line, engines=engines, settings=settings, clock=clock, readers=[events.append]
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(line.live)
            tasks.start_soon(person, line, events)
            disposition = await session.run()
            tasks.cancel_scope.cancel()
    return disposition, events


def said(events: Sequence[CallEvent]) -> list[AgentSaid]:
    return [event.payload for event in events if isinstance(event.payload, AgentSaid)]


async def until(events: Events, kind: type[ReplyStarted | AgentSaid], count: int) -> None:
    """Wait until the agent has begun, or ended, so many replies."""
    with anyio.fail_after(10):
        while sum(isinstance(e.payload, kind) for e in events) < count:  # noqa: ASYNC110
            await anyio.sleep(0.01)


@pytest.mark.parametrize("audio", [PHONE, WIDEBAND], ids=["phone", "browser"])
async def test_the_model_remembers_of_an_interrupted_answer_what_the_caller_heard(
    audio: AudioFormat,
) -> None:
    async def person(line: SimulatedLine, events: Events) -> None:
        await until(events, AgentSaid, 1)
        await line.speak(0.4)
        await until(events, ReplyStarted, 2)
        await anyio.sleep(0.3)
        await anyio.sleep(0.3)
        await line.speak(0.4)
        await until(events, AgentSaid, 3)
        line.hang_up()

    simulated = provider(LOOK_UP, says(ANSWER), says("I see."))
    disposition, events = await converse(simulated, person, audio)
    assert disposition is Disposition.CALLER_HUNG_UP
    assert not [event for event in events if isinstance(event.payload, Trouble)]
    greeting, cut, last = said(events)
    assert (greeting.text, last.text) == ("Hi.", "I see.")
    assert cut.interrupted
    assert f"{cut.text} {cut.unheard}" == ANSWER
    assert isinstance(simulated.model, ScriptedModel)
    remembered = [m for m in simulated.model.requests[-1].messages if m.role is Role.ASSISTANT]
    heard = remembered[-1].text.split()
    assert abs(len(heard) - len(cut.text.split())) <= 1
    assert ANSWER.split()[: len(heard)] == heard


@pytest.mark.parametrize("after", [0, 9])
async def test_a_socket_that_breaks_leaves_the_caller_answered(after: int) -> None:
    async def person(line: SimulatedLine, events: Events) -> None:
        await until(events, AgentSaid, 1)
        await line.speak(0.4)
        await until(events, AgentSaid, 2)
        line.hang_up()

    simulated = provider(says(ANSWER))
    simulated.faults.order(Fault(provider="openai_realtime", kind=FaultKind.RESET, after=after))
    disposition, events = await converse(simulated, person)
    assert disposition is Disposition.CALLER_HUNG_UP
    assert [event for event in events if isinstance(event.payload, Trouble)]
    assert [event for event in events if isinstance(event.payload, CallerSaid)]
    assert said(events)[-1].text.startswith(("By the cascade", ANSWER[:6], "Sorry"))
