"""Engines that fail, and those that take over, on a virtual clock."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager

import anyio
import pytest

from voice_agent.core.audio import PHONE, AudioFrame
from voice_agent.core.chat import (
    ChatEvent,
    ChatRequest,
    Finished,
    FinishReason,
    Message,
    Role,
    TextDelta,
    ToolCall,
)
from voice_agent.core.clock import LoopClock
from voice_agent.core.errors import (
    ProviderError,
    ProviderGarbage,
    ProviderMisconfigured,
    ProviderThrottled,
    ProviderUnavailable,
)
from voice_agent.core.ports import (
    LanguageModel,
    RecognizerInput,
    SpeechRecognizer,
    SpeechSynthesizer,
)
from voice_agent.core.speech import (
    RecognitionEvent,
    RecognitionFailed,
    RecognitionRequest,
    SpeechEvent,
    SpeechRequest,
    SpeechStarted,
    SpeechStopped,
    SpokenAudio,
    SpokenWord,
    Transcript,
)
from voice_agent.core.usage import EngineSwitched
from voice_agent.engines.llm.scripted import ScriptedModel, Step, says
from voice_agent.engines.resilience.breaker import BreakerState
from voice_agent.engines.resilience.candidates import Candidate, Candidates
from voice_agent.engines.resilience.model import FailoverModel
from voice_agent.engines.resilience.recognizer import RETURN_AFTER, FailoverRecognizer
from voice_agent.engines.resilience.synthesizer import FailoverSynthesizer
from voice_agent.engines.tts.scripted import ScriptedSpeechOptions, ScriptedSynthesizer
from voice_agent.simulation.virtual_time import run_virtual

DOWN = ProviderUnavailable("down", provider="a")
ASKED = ChatRequest((Message(Role.USER, "where is my order"),))


def models(*engines: LanguageModel, embedded_last: bool = True) -> FailoverModel:
    named = [
        Candidate(
            chr(ord("a") + number), engine, embedded=embedded_last and number == len(engines) - 1
        )
        for number, engine in enumerate(engines)
    ]
    return FailoverModel(Candidates("llm", named, LoopClock()))


async def answer(model: FailoverModel, request: ChatRequest = ASKED) -> list[ChatEvent]:
    async with aclosing(model.stream(request)) as events:  # type: ignore[type-var]
        return [event async for event in events]


def text_of(events: Sequence[ChatEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def switches(events: Sequence[object]) -> list[tuple[str, str, str]]:
    return [(e.failed, e.successor, e.code) for e in events if isinstance(e, EngineSwitched)]


@pytest.mark.parametrize(
    "error",
    [
        DOWN,
        ProviderGarbage("nonsense", provider="a"),
        ProviderThrottled("slow down", provider="a", retry_after=3),
        ProviderMisconfigured("wrong key", provider="a"),
    ],
    ids=lambda error: error.code,
)
def test_a_model_that_fails_is_followed_by_the_next_one(error: ProviderError) -> None:
    first, second = ScriptedModel([error]), ScriptedModel(says("It ", "left."))
    events = run_virtual(_answer_of, first, second)
    assert text_of(events) == "It left."
    assert switches(events) == [("a", "b", error.code)]
    assert sum(isinstance(event, Finished) for event in events) == 1


async def _answer_of(*engines: ScriptedModel) -> list[ChatEvent]:
    return await answer(models(*engines))


@pytest.mark.parametrize("step", ["error", "end"])
def test_a_model_that_dies_in_mid_word_is_continued_without_repeating(step: str) -> None:
    dying: list[Step] = [TextDelta("Good news: your order ten forty two has shi")]
    if step == "error":
        dying.append(DOWN)
    again = says("Good news: your order ten forty two has shipped ", "with DHL.")
    second = ScriptedModel(again)
    events = run_virtual(_answer_of, ScriptedModel(dying), second)
    assert text_of(events) == "Good news: your order ten forty two has shipped with DHL."
    assert second.requests[0].said == "Good news:"


def test_tools_of_an_answer_that_broke_off_are_never_run() -> None:
    call = ToolCall("1", "book", {})
    first = ScriptedModel([call, DOWN])
    second = ScriptedModel([call, Finished(FinishReason.TOOL_CALLS)])
    events = run_virtual(_answer_of, first, second)
    assert [e for e in events if isinstance(e, ToolCall)] == [call]


def test_when_every_model_fails_the_last_error_is_told() -> None:
    with pytest.raises(ProviderUnavailable):
        run_virtual(_answer_of, ScriptedModel([DOWN]), ScriptedModel([DOWN]))


def test_three_calls_in_parallel_share_one_breaker() -> None:
    async def scene() -> tuple[int, BreakerState, int]:
        first, second = ScriptedModel([0.2, DOWN]), ScriptedModel(says("ok"))
        model = models(first, second)
        async with anyio.create_task_group() as calls:
            for _ in range(3):
                calls.start_soon(answer, model)
        state = next(iter(model.candidates)).breaker.state(LoopClock().now())
        asked = len(first.requests)
        await answer(model)
        return asked, state, len(first.requests)

    assert run_virtual(scene) == (3, BreakerState.OPEN, 3)


def test_after_thirty_seconds_one_of_three_calls_tries_the_model_that_was_down() -> None:
    async def scene() -> tuple[int, int, BreakerState]:
        first = ScriptedModel([DOWN], [DOWN], [DOWN], [1.0, *says("back")])
        model = models(first, ScriptedModel(says("ok")))
        for _ in range(3):
            await answer(model)
        await anyio.sleep(29.9)
        await answer(model)
        before = len(first.requests)
        await anyio.sleep(0.2)
        async with anyio.create_task_group() as calls:
            for _ in range(3):
                calls.start_soon(answer, model)
        state = next(iter(model.candidates)).breaker.state(LoopClock().now())
        return before, len(first.requests), state

    assert run_virtual(scene) == (3, 4, BreakerState.CLOSED)


def test_a_slow_first_word_is_hedged_and_the_quicker_model_wins() -> None:
    async def scene() -> tuple[str, float, int]:
        slow, quick = ScriptedModel([5.0, *says("slow")]), ScriptedModel([0.2, *says("quick")])
        model = models(slow, quick, embedded_last=False)
        events = await answer(model)
        return text_of(events), LoopClock().now(), slow.closed

    text, seconds, closed = run_virtual(scene)
    assert text == "quick"
    assert 1.15 < seconds < 1.3
    assert closed == 1


def test_a_hedge_that_is_slower_is_cancelled_and_nothing_is_held_against_it() -> None:
    async def scene() -> tuple[str, int, int]:
        first, second = ScriptedModel([1.5, *says("first")]), ScriptedModel([9.0, *says("no")])
        model = models(first, second, embedded_last=False)
        text = text_of(await answer(model))
        return text, second.closed, list(model.candidates)[1].breaker.failures

    assert run_virtual(scene) == ("first", 1, 0)


def test_no_second_model_is_asked_once_tools_have_run() -> None:
    async def scene() -> int:
        first, second = ScriptedModel([3.0, *says("first")]), ScriptedModel(says("second"))
        history = (
            *ASKED.messages,
            Message(Role.ASSISTANT, "", tool_calls=(ToolCall("1", "book", {}),)),
            Message(Role.TOOL, "{}", call_id="1"),
        )
        await answer(models(first, second, embedded_last=False), ChatRequest(history))
        return len(second.requests)

    assert run_virtual(scene) == 0


def test_an_embedded_model_is_never_a_hedge() -> None:
    async def scene() -> int:
        first, second = ScriptedModel([3.0, *says("first")]), ScriptedModel(says("second"))
        await answer(models(first, second))
        return len(second.requests)

    assert run_virtual(scene) == 0


def test_giving_up_an_answer_is_held_against_nobody() -> None:
    async def scene() -> tuple[int, int]:
        first = ScriptedModel([TextDelta("well "), 5.0, *says("now")])
        model = models(first, ScriptedModel(says("ok")))
        with anyio.move_on_after(1):
            await answer(model)
        return first.closed, next(iter(model.candidates)).breaker.failures

    assert run_virtual(scene) == (1, 0)


# ── voices ──────────────────────────────────────────────────────────────────────────────


def voices(*engines: SpeechSynthesizer) -> FailoverSynthesizer:
    named = [Candidate(chr(ord("a") + n), engine) for n, engine in enumerate(engines)]
    return FailoverSynthesizer(Candidates("tts", named, LoopClock()))


async def spoken(voice: FailoverSynthesizer, text: str) -> list[SpeechEvent]:
    async with aclosing(voice.stream(SpeechRequest(text, PHONE))) as events:  # type: ignore[type-var]
        return [event async for event in events]


def test_a_voice_that_dies_in_mid_sentence_is_replaced_at_that_word() -> None:
    second = ScriptedSynthesizer()

    async def scene() -> list[SpeechEvent]:
        first = ScriptedSynthesizer(ScriptedSpeechOptions(dies_at="shipped"))
        return await spoken(voices(first, second), "your order has shipped with D H L")

    events = run_virtual(scene)
    words = [event.text for event in events if isinstance(event, SpokenWord)]
    assert words == ["your", "order", "has", "shipped", "with", "D", "H", "L"]
    assert second.requests[0].text == "shipped with D H L"
    sound = sum(len(event.data) for event in events if isinstance(event, SpokenAudio))
    assert sound == PHONE.byte_count(0.25) * 8
    ends = [event.end for event in events if isinstance(event, SpokenWord)]
    assert ends == sorted(ends)
    assert ends[-1] == pytest.approx(2.0)


def test_a_voice_without_a_sound_is_a_voice_that_failed() -> None:
    class Mute:
        sounds: Sequence[SpeechEvent] = ()

        async def stream(self, _request: SpeechRequest) -> AsyncIterator[SpeechEvent]:
            for sound in self.sounds:
                yield sound

    async def scene() -> list[SpeechEvent]:
        return await spoken(voices(Mute(), ScriptedSynthesizer()), "hello there")

    events = run_virtual(scene)
    assert switches(events) == [("a", "b", "provider_unavailable")]
    assert any(isinstance(event, SpokenAudio) for event in events)


def test_when_every_voice_fails_it_is_told() -> None:
    async def scene() -> None:
        dying = ScriptedSpeechOptions(dies_at="hello")
        await spoken(voices(ScriptedSynthesizer(dying), ScriptedSynthesizer(dying)), "hello there")

    with pytest.raises(ProviderUnavailable):
        run_virtual(scene)


# ── recognisers ─────────────────────────────────────────────────────────────────────────


class Ears:
    """A recogniser that hears how much sound it was given, and dies when told to."""

    def __init__(self, name: str, *, dies_after: float = 1e9, opens_after: float = 0.0) -> None:
        self.name = name
        self.dies_after = dies_after
        self.opens_after = opens_after
        self.opened = 0

    @asynccontextmanager
    async def open(
        self, _request: RecognitionRequest, emit: Callable[[RecognitionEvent], None]
    ) -> AsyncIterator["_EarsStream"]:
        self.opened += 1
        await anyio.sleep(self.opens_after)
        yield _EarsStream(self, emit)


class _EarsStream:
    def __init__(self, ears: Ears, emit: Callable[[RecognitionEvent], None]) -> None:
        self.ears, self.emit = ears, emit
        self.first: float | None = None
        self.last = 0.0

    def send(self, item: RecognizerInput) -> None:
        if isinstance(item, AudioFrame):
            self.first = item.start if self.first is None else self.first
            self.last = item.end
            if self.last > self.ears.dies_after:
                self.ears.dies_after = 1e9
                self.emit(RecognitionFailed(DOWN))
        elif isinstance(item, SpeechStopped):
            text = f"{self.ears.name}:{self.first or 0:.1f}-{self.last:.1f}"
            self.emit(Transcript(text, final=True, end=item.at))
            self.first = None


async def _talk(recognizer: FailoverRecognizer, *, until: float) -> list[RecognitionEvent]:
    """Speech from second 1 to second 3 of every 4."""
    events: list[RecognitionEvent] = []
    async with recognizer.open(RecognitionRequest(PHONE), events.append) as stream:
        for number in range(round(until / 0.02)):
            at = number * 0.02
            if number % 200 == 50:
                stream.send(SpeechStarted(at))
            if number % 200 == 150:
                stream.send(SpeechStopped(at))
            stream.send(AudioFrame(PHONE.silence(0.02), PHONE, at))
            await anyio.sleep(0.02)
    return events


def ears(*engines: SpeechRecognizer) -> FailoverRecognizer:
    named = [Candidate(chr(ord("a") + n), engine) for n, engine in enumerate(engines)]
    return FailoverRecognizer(Candidates("stt", named, LoopClock()))


def texts(events: Sequence[RecognitionEvent]) -> list[str]:
    return [event.text for event in events if isinstance(event, Transcript)]


def test_a_recogniser_that_dies_is_replaced_and_the_stretch_heard_again_whole() -> None:
    async def scene() -> list[RecognitionEvent]:
        return await _talk(ears(Ears("one", dies_after=2.5), Ears("two")), until=4)

    events = run_virtual(scene)
    assert switches(events) == [("a", "b", "provider_unavailable")]
    assert texts(events) == ["two:0.4-3.0"]


def test_what_is_said_while_a_recogniser_connects_is_not_lost() -> None:
    async def scene() -> list[RecognitionEvent]:
        return await _talk(ears(Ears("one", opens_after=1.6)), until=4)

    assert texts(run_virtual(scene)) == ["one:0.4-3.0"]


def test_a_recogniser_that_hangs_up_after_the_end_of_speech_still_owes_its_text() -> None:
    class Deaf(Ears):
        @asynccontextmanager
        async def open(
            self, _request: RecognitionRequest, emit: Callable[[RecognitionEvent], None]
        ) -> AsyncIterator["_EarsStream"]:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._die, emit)
                yield _EarsStream(self, lambda _event: None)
                tasks.cancel_scope.cancel()

        async def _die(self, emit: Callable[[RecognitionEvent], None]) -> None:
            await anyio.sleep(3.3)
            emit(RecognitionFailed(DOWN))

    async def scene() -> list[RecognitionEvent]:
        return await _talk(ears(Deaf("one"), Ears("two")), until=4)

    assert len(texts(run_virtual(scene))) == 1


def test_the_better_recogniser_gets_its_place_back_between_sentences() -> None:
    async def scene() -> list[str]:
        better, substitute = Ears("one", dies_after=2.5), Ears("two")
        return texts(await _talk(ears(better, substitute), until=20))

    heard = [text.partition(":")[0] for text in run_virtual(scene)]
    assert heard[0] == "two"
    assert heard[-1] == "one"
    assert heard.index("one") * 4 >= RETURN_AFTER


def test_when_every_recogniser_is_down_the_call_goes_on_and_the_trouble_is_told() -> None:
    async def scene() -> list[RecognitionEvent]:
        class Down(Ears):
            @asynccontextmanager
            async def open(
                self, _request: RecognitionRequest, emit: Callable[[RecognitionEvent], None]
            ) -> AsyncIterator["_EarsStream"]:
                self.opened += 1
                if self.opened < 3:
                    raise DOWN
                yield _EarsStream(self, emit)

        return await _talk(ears(Down("one")), until=4)

    events = run_virtual(scene)
    assert any(isinstance(event, RecognitionFailed) for event in events)
    assert texts(events) == ["one:0.4-3.0"]
