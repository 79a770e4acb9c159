"""A model that writes speech tags: the voice gets them, nobody else ever does."""

import anyio
import pytest

from support.staged_call import ListedTools, Play, Stage, asks, stage
from voice_agent.core.chat import TextDelta, ToolEffect
from voice_agent.core.events import AgentSaying
from voice_agent.engines.llm.scripted import Step, says
from voice_agent.pipeline.spoken.speech_tags import SPEECH_TAG

WRITTEN = (
    'Your code is <say-as interpret-as="digits">1042</say-as>: keep it. '
    '<break time="300ms"/><emphasis level="strong">Never</emphasis> tell it to anybody else.'
)
SHOWN = "Your code is 1042: keep it. Never tell it to anybody else."
SPOKEN = "Your code is one zero four two, keep it. Never tell it to anybody else."


async def ask_twice_and_hang_up(call: Stage) -> None:
    await call.until_quiet()
    for _ in range(2):
        await call.line.speak(1.0)
        await call.until_quiet()
    call.line.hang_up()


def everything(call: Stage) -> str:
    """All that was recorded, shown or told to the model."""
    history = [request.messages for request in call.model.requests]
    return repr([event.payload for event in call.events]) + repr(history)


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_the_voice_gets_the_tags_and_everybody_else_the_words(size: int) -> None:
    deltas = [WRITTEN[i : i + size] for i in range(0, len(WRITTEN), size)]
    call = stage(Play(["my code", "thanks"], [says(*deltas), says("Bye.")]), ask_twice_and_hang_up)
    answer = [r for r in call.voice.requests if r.text in SPOKEN]

    assert " ".join(request.text for request in answer) == SPOKEN
    assert [tag for tag in ("say-as", "break", "emphasis") if tag in str(answer)] == [
        "say-as",
        "break",
        "emphasis",
    ]
    assert call.said[1].text == SHOWN
    assert "".join(e.payload.text for e in call.events if isinstance(e.payload, AgentSaying))
    assert not SPEECH_TAG.search(everything(call))


@pytest.mark.parametrize("cut", [0.1 + 0.21 * n for n in range(14)])
def test_an_answer_with_tags_cut_at_any_moment_is_kept_to_the_word(cut: float) -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await call.until_sounding(cut)
        await call.line.speak(0.6)
        await call.until_quiet()
        call.line.hang_up()

    call = stage(Play(["my code", "stop"], [says(WRITTEN), says("I see.")]), caller)
    said = call.said[1]

    assert said.interrupted
    assert (said.text + said.unheard).replace(" ", "") == SHOWN.replace(" ", "")
    assert not SPEECH_TAG.search(everything(call))


def test_words_before_a_tool_are_remembered_without_their_tags() -> None:
    before: list[Step] = [TextDelta("<emphasis>Let me see.</emphasis> ")]
    tools = ListedTools({"look": (0.1, {"code": 1042}, ToolEffect.NONE)})
    answers = [[*before, *asks("look")], says("It is there."), says("Bye.")]
    call = stage(Play(["my code", "thanks"], answers, tools), ask_twice_and_hang_up)
    texts = [message.text for message in call.model.requests[-1].messages]

    assert "Let me see." in [text.strip() for text in texts]
    assert "It is there." in texts
    assert not SPEECH_TAG.search(everything(call))


def test_a_break_at_the_end_is_no_silence_to_be_explained() -> None:
    async def caller(call: Stage) -> None:
        await call.until_quiet()
        await call.line.speak(1.0)
        await call.until_quiet()
        await anyio.sleep(0.5)
        call.line.hang_up()

    call = stage(Play(["hi"], [says('Hello. <break time="1s"/>')]), caller)

    assert [said.text for said in call.said[1:]] == ["Hello."]
