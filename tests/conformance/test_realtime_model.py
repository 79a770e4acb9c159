"""What every speech-to-speech model promises, and what OpenAI's does with a simulated server."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest

from support.simulated_providers import desk, serving
from voice_agent.core.audio import PHONE, WIDEBAND, AudioFormat
from voice_agent.core.chat import Finished, FinishReason, Message, Role, ToolCall, ToolDeclaration
from voice_agent.core.errors import (
    ProviderError,
    ProviderGarbage,
    ProviderMisconfigured,
    ProviderThrottled,
    ProviderUnavailable,
)
from voice_agent.core.ports import RealtimeModel, RealtimeStream
from voice_agent.core.realtime import (
    AddText,
    AddToolResult,
    CallerSound,
    CallerSpeechStarted,
    CallerSpeechStopped,
    CallerText,
    ItemSound,
    ItemText,
    RealtimeEvent,
    RealtimeFailed,
    RealtimeRequest,
    Respond,
    ResponseEnded,
    ResponseOutcome,
    ResponseStarted,
    TruncateItem,
)
from voice_agent.core.usage import Usage
from voice_agent.engines.llm.scripted import ScriptedModel, Step, says
from voice_agent.engines.realtime.openai import PROVIDER as OPENAI
from voice_agent.engines.realtime.scripted import ScriptedRealtimeModel
from voice_agent.engines.registry import read_options
from voice_agent.engines.stt.scripted import ScriptedRecognizer, ScriptedRecognizerOptions
from voice_agent.engines.tts.scripted import tone
from voice_agent.simulation.providers.desk import VALID_KEY, Desk
from voice_agent.simulation.providers.faults import Fault, FaultKind

pytestmark = pytest.mark.anyio

SIMULATED = "openai_realtime"
LOOK_UP = ToolDeclaration("look_up", "Looks it up.", {"type": "object", "properties": {}})
TEXTS = ("where is my order", "stop", "one more thing")
lines = pytest.mark.parametrize("audio", [PHONE, WIDEBAND], ids=["phone", "wideband"])
engines = pytest.mark.parametrize("name", ["scripted", "openai"])


@dataclass
class Caller:
    """The other side of a session, with all that it was told."""

    stream: RealtimeStream
    audio: AudioFormat
    events: list[RealtimeEvent] = field(default_factory=list)
    changed: anyio.Event = field(default_factory=anyio.Event)

    def emit(self, event: RealtimeEvent) -> None:
        self.events.append(event)
        self.changed.set()

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]

    async def until(self, kind: type[Any], count: int = 1) -> Any:
        with anyio.fail_after(8):
            while len(self.of(kind)) < count:
                self.changed = anyio.Event()
                await self.changed.wait()
        return self.of(kind)[count - 1]

    def say(self, seconds: float = 0.8, silence: float = 0.7) -> None:
        sound = tone(round(seconds * self.audio.rate / 0.9), self.audio)
        sound = sound[: self.audio.byte_count(seconds)] + self.audio.silence(silence)
        size = self.audio.byte_count(0.02)
        for start in range(0, len(sound), size):
            self.stream.send(CallerSound(sound[start : start + size]))


@asynccontextmanager
async def calling(
    model: RealtimeModel, audio: AudioFormat = PHONE, **request: Any
) -> AsyncIterator[Caller]:
    """A session that is open."""
    caller = Caller(None, audio)  # type: ignore[arg-type]
    async with model.open(RealtimeRequest(audio, **request), caller.emit) as caller.stream:
        yield caller


def heard(texts: Sequence[str] = TEXTS) -> ScriptedRecognizer:
    return ScriptedRecognizer(ScriptedRecognizerOptions(texts=tuple(texts)))


@asynccontextmanager
async def simulated(
    *answers: Sequence[Step], **options: Any
) -> AsyncIterator[tuple[RealtimeModel, Desk]]:
    """OpenAI's engine with a simulated server."""
    simulator = desk(ScriptedModel(*(answers or (says("It is on its way."),))), heard())
    async with serving(simulator) as base:
        yield openai(base, **options), simulator


def openai(base: str, **options: Any) -> RealtimeModel:
    values = {"api_key": VALID_KEY, "base_url": f"{base}/openai/v1", **options}
    model: RealtimeModel = OPENAI.build(read_options(OPENAI, values))
    return model


@asynccontextmanager
async def engine(name: str, answer: str) -> AsyncIterator[RealtimeModel]:
    """Any of the engines, which says this."""
    if name == "scripted":
        yield ScriptedRealtimeModel([answer], hears=TEXTS)
        return
    async with simulated(says(answer)) as (model, _desk):
        yield model


# ── every engine ────────────────────────────────────────────────────────────────────────


@engines
@lines
async def test_a_turn_is_heard_and_answered(name: str, audio: AudioFormat) -> None:
    async with engine(name, "It is on its way.") as model, calling(model, audio) as caller:
        caller.say()
        ended = await caller.until(ResponseEnded)
        text = await caller.until(CallerText)
    assert ended.outcome is ResponseOutcome.COMPLETED
    assert text.text == "where is my order"
    order = [type(event) for event in caller.events]
    assert order.index(CallerSpeechStarted) < order.index(CallerSpeechStopped)
    assert order.index(CallerSpeechStopped) < order.index(ResponseStarted)
    assert "".join(event.text for event in caller.of(ItemText)).strip() == "It is on its way."


@engines
@lines
async def test_an_answer_sounds_as_long_as_it_takes_to_say(name: str, audio: AudioFormat) -> None:
    async with engine(name, "one two three four") as model, calling(model, audio) as caller:
        caller.say()
        await caller.until(ResponseEnded)
    seconds = sum(audio.seconds(event.data) for event in caller.of(ItemSound))
    assert seconds == pytest.approx(4 * 0.25, abs=0.02)


@engines
async def test_the_callers_speech_is_placed_on_their_own_clock(name: str) -> None:
    async with engine(name, "Yes.") as model, calling(model) as caller:
        caller.stream.send(CallerSound(PHONE.silence(1.0)))
        caller.say()
        stopped = await caller.until(CallerSpeechStopped)
    assert caller.of(CallerSpeechStarted)[0].at == pytest.approx(1.0, abs=0.4)
    assert stopped.at == pytest.approx(1.8, abs=0.15)


@engines
async def test_text_is_answered_when_a_response_is_asked_for(name: str) -> None:
    async with engine(name, "Ten forty two.") as model, calling(model) as caller:
        caller.stream.send(AddText(Role.USER, "1 0 4 2"))
        caller.stream.send(Respond())
        await caller.until(ResponseEnded)
        assert caller.of(ItemSound)
        caller.stream.send(Respond())
        await caller.until(ResponseEnded, 2)


@engines
async def test_leaving_ends_the_session_with_an_answer_half_told(name: str) -> None:
    async with engine(name, "word " * 200) as model:
        async with calling(model) as caller:
            caller.say()
            await caller.until(ItemSound)
        told = len(caller.events)
        await anyio.sleep(0.1)
        assert len(caller.events) == told


@engines
async def test_a_session_can_be_cancelled_at_any_time(name: str) -> None:
    async with engine(name, "word " * 50) as model:
        for patience in (0.0, 0.01, 0.05):
            with anyio.move_on_after(patience):
                async with calling(model) as caller:
                    caller.say()
                    await anyio.sleep_forever()


# ── OpenAI ──────────────────────────────────────────────────────────────────────────────


async def test_only_ga_names_are_spoken_and_the_type_of_the_session_is_said() -> None:
    async with simulated() as (model, simulator):
        async with calling(model, tools=(LOOK_UP,), instructions="Be brief.") as caller:
            caller.say()
            await caller.until(ResponseEnded)
        assert not caller.of(RealtimeFailed)
    assert "openai-beta" not in simulator.journal[0].headers


async def test_a_tools_result_is_answered() -> None:
    call: list[Step] = [ToolCall("x", "look_up", {"id": "7"}), Finished(FinishReason.TOOL_CALLS)]
    async with simulated(call, says("Shipped.")) as (model, simulator):
        async with calling(model, tools=(LOOK_UP,)) as caller:
            caller.say()
            ended = await caller.until(ResponseEnded)
            (asked,) = ended.calls
            assert (asked.name, asked.arguments) == ("look_up", {"id": "7"})
            caller.stream.send(AddToolResult(asked.id, {"status": "shipped"}))
            caller.stream.send(Respond(tools=False))
            await caller.until(ResponseEnded, 2)
        assert "".join(event.text for event in caller.of(ItemText)).strip() == "Shipped."
        assert isinstance(simulator.model, ScriptedModel)
        assert simulator.model.requests[-1].messages[-1].text == '{"status": "shipped"}'


async def test_a_cut_at_what_was_heard_is_what_the_model_remembers() -> None:
    answer = "one two three four five six seven eight"
    async with simulated(says(answer), says("I see.")) as (model, simulator):
        async with calling(model) as caller:
            caller.say()
            await caller.until(ResponseEnded)
            item = caller.of(ItemSound)[0].item
            caller.stream.send(TruncateItem(item, 0.8))
            caller.say()
            await caller.until(ResponseEnded, 2)
        assert not caller.of(RealtimeFailed)
        assert isinstance(simulator.model, ScriptedModel)
        history = simulator.model.requests[-1].messages
    assert [m.text for m in history if m.role is Role.ASSISTANT] == ["one two three"]


async def test_an_answer_nobody_heard_is_not_remembered() -> None:
    async with simulated(says("Never heard."), says("I see.")) as (model, simulator):
        async with calling(model) as caller:
            caller.say()
            await caller.until(ResponseEnded)
            caller.stream.send(TruncateItem(caller.of(ItemSound)[0].item, 0.0))
            caller.say()
            await caller.until(ResponseEnded, 2)
        assert isinstance(simulator.model, ScriptedModel)
        history = simulator.model.requests[-1].messages
    assert [message.text for message in history] == ["where is my order", "stop"]


async def test_speech_over_an_answer_stops_it_and_is_answered() -> None:
    slow: list[Step] = [*says("word " * 40)[:-1], 5.0, Finished(FinishReason.STOP)]
    async with simulated(slow, says("I see.")) as (model, _desk):
        async with calling(model) as caller:
            caller.say()
            first = (await caller.until(ItemText)).response
            caller.say()
            await caller.until(ResponseStarted, 2)
            later = len(caller.events)
            await caller.until(ResponseEnded)
        told = {e.response for e in caller.events[later:] if isinstance(e, ItemSound | ItemText)}
        assert first not in told


async def test_the_history_is_known_to_the_model() -> None:
    history = (Message(Role.USER, "hello"), Message(Role.ASSISTANT, "Hi, how can I help?"))
    async with simulated() as (model, simulator):
        async with calling(model, history=history) as caller:
            caller.say()
            await caller.until(ResponseEnded)
        assert isinstance(simulator.model, ScriptedModel)
        told = [message.text for message in simulator.model.requests[0].messages]
    assert told == ["hello", "Hi, how can I help?", "where is my order"]


async def test_what_was_paid_for_is_told() -> None:
    async with simulated() as (model, _desk), calling(model) as caller:
        caller.say()
        await caller.until(ResponseEnded)
        await caller.until(Usage, 2)
    models = {usage.model for usage in caller.of(Usage)}
    assert models == {"gpt-realtime-2.1", "gpt-4o-mini-transcribe"}


async def test_the_session_is_left_before_the_server_ends_it() -> None:
    async with simulated(longest_session=0.2) as (model, _desk), calling(model) as caller:
        failed = await caller.until(RealtimeFailed)
    assert isinstance(failed.error, ProviderUnavailable)


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.REFUSE, ProviderUnavailable),
        (FaultKind.UNAUTHORIZED, ProviderMisconfigured),
        (FaultKind.THROTTLE, ProviderThrottled),
        (FaultKind.ERROR, ProviderUnavailable),
        (FaultKind.STALL, ProviderUnavailable),
        (FaultKind.RESET, ProviderUnavailable),
        (FaultKind.CUT, ProviderUnavailable),
    ],
)
async def test_a_session_that_cannot_be_had_is_a_provider_error(
    kind: FaultKind, error: type[ProviderError]
) -> None:
    async with simulated(ready_within=0.3) as (model, simulator):
        simulator.faults.order(Fault(provider=SIMULATED, kind=kind))
        with pytest.raises(error):
            async with calling(model):
                pass


@pytest.mark.parametrize("after", [3, 8, 14, 20])
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        (FaultKind.ERROR, ProviderUnavailable),
        (FaultKind.RESET, ProviderUnavailable),
        (FaultKind.CUT, ProviderUnavailable),
        (FaultKind.GARBAGE, ProviderGarbage),
    ],
)
async def test_a_session_that_dies_says_so_exactly_once(
    kind: FaultKind, error: type[ProviderError], after: int
) -> None:
    async with simulated(says("word " * 20)) as (model, simulator):
        simulator.faults.order(Fault(provider=SIMULATED, kind=kind, after=after))
        async with calling(model) as caller:
            caller.say()
            failed = await caller.until(RealtimeFailed)
            await anyio.sleep(0.05)
    assert isinstance(failed.error, error)
    assert caller.of(RealtimeFailed) == [failed]
    assert caller.events.index(failed) == len(caller.events) - 1
    assert "word" not in str(failed.error)


async def test_a_probe_tells_a_wrong_key_and_an_unknown_model() -> None:
    async with simulated() as (_model, simulator), serving(simulator) as base:
        with pytest.raises(ProviderMisconfigured):
            await probe(base, api_key="wrong")
        with pytest.raises(ProviderMisconfigured):
            await probe(base, model="gpt-nonsense")


async def test_warming_up_never_raises() -> None:
    model = openai("http://127.0.0.1:9")
    await model.warm()  # type: ignore[attr-defined]
    with pytest.raises(ProviderUnavailable):
        await model.probe()  # type: ignore[attr-defined]


async def probe(base: str, **options: Any) -> None:
    await openai(base, **options).probe()  # type: ignore[attr-defined]


async def test_an_unknown_model_is_a_matter_of_the_settings() -> None:
    async with simulated(model="gpt-nonsense") as (model, _desk):
        with pytest.raises(ProviderMisconfigured):
            async with calling(model):
                pass
