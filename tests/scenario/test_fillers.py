"""A tool that takes long is covered by a few words, once, and never over an answer."""

from itertools import pairwise

import anyio
import pytest

from support.staged_call import ListedTools, Play, Stage, asks, stage
from voice_agent.core.chat import (
    Finished,
    FinishReason,
    TextDelta,
    ToolAccess,
    ToolCall,
    ToolDeclaration,
    ToolEffect,
)
from voice_agent.core.events import ToolStarted
from voice_agent.engines.llm.scripted import Step, says
from voice_agent.engines.tts.scripted import ScriptedSpeechOptions
from voice_agent.pipeline.phrases import load_phrases

PHRASES = load_phrases("en", "the test shop")
FILLERS = [PHRASES.filler("read", count) for count in range(3)]
FOUND = "I found it."


class ReadingTools(ListedTools):
    """Tools that say of themselves that they only read."""

    @property
    def declarations(self) -> tuple[ToolDeclaration, ...]:
        schema = {"type": "object"}
        return tuple(ToolDeclaration(name, name, schema, ToolAccess.READ) for name in self.results)


async def ask_and_listen(call: Stage) -> None:
    await call.until_quiet()
    await call.line.speak(1.0)
    await anyio.sleep(9)
    call.line.hang_up()


def looking(seconds: float, *answers: list[Step]) -> Stage:
    tools = ReadingTools({"look": (seconds, {"found": True}, ToolEffect.NONE)})
    return stage(
        Play(["where is it"], answers or [asks("look"), says(FOUND)], tools), ask_and_listen
    )


def test_a_tool_of_three_tenths_of_a_second_is_not_covered() -> None:
    assert looking(0.3).said[1].text == FOUND


def test_a_tool_of_nine_tenths_of_a_second_is_covered_by_one_filler() -> None:
    call = looking(0.9)
    assert call.said[1].text == f"{FILLERS[0]} {FOUND}"


def test_a_tool_of_three_seconds_has_one_filler_and_then_another_sentence() -> None:
    call = looking(3.0)
    assert call.said[1].text == f"{FILLERS[0]} I'm still on it, just a moment. {FOUND}"
    silences = [later.start - earlier.end for earlier, later in pairwise(call.line.heard[1:])]
    assert max(silences) < 1.5


def test_the_filler_sounds_seven_tenths_of_a_second_after_the_tool_began() -> None:
    call = looking(0.9)
    (started,) = call.of(ToolStarted)
    assert call.line.heard[1].start - started.at == pytest.approx(0.7, abs=0.1)


@pytest.mark.parametrize("latency", [0.05, 0.3, 0.8])
def test_a_filler_that_a_slow_voice_is_still_making_is_not_doubled(latency: float) -> None:
    tools = ReadingTools({"look": (2.0, {}, ToolEffect.NONE)})
    voice = ScriptedSpeechOptions(first_delay=latency)
    play = Play(["where is it"], [asks("look"), says(FOUND)], tools, voice=voice)
    said = stage(play, ask_and_listen).said[1].text
    assert said.startswith(FILLERS[0])
    assert "One moment, please." not in said
    assert sum(said.count(filler) for filler in FILLERS) == 1


def test_a_reassurance_that_came_first_stands_in_for_the_filler() -> None:
    slow_to_ask: list[Step] = [1.5, *asks("look")]
    said = looking(2.0, slow_to_ask, says(FOUND)).said[1].text
    assert said.startswith("One moment, please.")
    assert not any(filler in said for filler in FILLERS)


def test_what_the_model_said_before_its_tool_stands_in_for_the_filler() -> None:
    announced: list[Step] = [TextDelta("I will look it up. "), *asks("look")]
    said = looking(0.9, announced, says(FOUND)).said[1].text
    assert said == f"I will look it up. {FOUND}"


def test_two_slow_rounds_of_tools_in_one_turn_have_one_filler() -> None:
    again: list[Step] = [ToolCall("look-2", "look", {}), Finished(FinishReason.TOOL_CALLS)]
    said = looking(0.9, asks("look"), again, says(FOUND)).said[1].text
    assert sum(said.count(filler) for filler in FILLERS) == 1


def test_the_next_turn_has_another_wording() -> None:
    async def ask_twice(call: Stage) -> None:
        await call.until_quiet()
        for _ in range(2):
            await call.line.speak(1.0)
            await anyio.sleep(6)
        call.line.hang_up()

    again: list[Step] = [ToolCall("look-2", "look", {"n": 2}), Finished(FinishReason.TOOL_CALLS)]
    tools = ReadingTools({"look": (1.0, {}, ToolEffect.NONE)})
    answers = [asks("look"), says(FOUND), again, says(FOUND)]
    call = stage(Play(["where is it", "and now"], answers, tools), ask_twice)
    assert [said.text for said in call.said[1:]] == [f"{filler} {FOUND}" for filler in FILLERS[:2]]


def test_a_caller_who_speaks_while_the_tool_works_hears_no_filler() -> None:
    async def ask_and_go_on(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await anyio.sleep(0.8)
        await call.line.speak(2.0)
        await anyio.sleep(5)
        call.line.hang_up()

    tools = ReadingTools({"look": (2.0, {}, ToolEffect.NONE)})
    play = Play(["where is", "my parcel"], [asks("look"), says(FOUND)], tools)
    call = stage(play, ask_and_go_on)
    assert not any(filler in said.text for said in call.said for filler in FILLERS)


def test_every_filler_is_among_the_sentences_that_are_made_before_the_phone_rings() -> None:
    assert set(FILLERS) <= set(PHRASES.fixed)
    kinds = {*map(str, ToolAccess), "other"}
    assert {PHRASES.filler(kind, count) for kind in kinds for count in range(5)} <= set(
        PHRASES.fixed
    )
