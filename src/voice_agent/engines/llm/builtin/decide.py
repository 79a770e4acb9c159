"""The dialogue as one pure function of the messages: nothing is remembered between requests."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from voice_agent.core.chat import Message, Role, ToolDeclaration
from voice_agent.core.speech import Expectation
from voice_agent.engines.llm.builtin.decisions import Decision, Say, State, Step, Task
from voice_agent.engines.llm.builtin.documents import SEARCH, told
from voice_agent.engines.llm.builtin.history import Round, Turn, read_turns
from voice_agent.engines.llm.builtin.moment import Moment, World
from voice_agent.engines.llm.builtin.policy import step
from voice_agent.engines.llm.builtin.results import (
    failure_code,
    failure_sentence,
    parameter_to_mend,
    result_sentence,
)
from voice_agent.engines.llm.builtin.speaking import END, TRANSFER, Speaker
from voice_agent.engines.llm.builtin.tasks import NUMBER
from voice_agent.engines.llm.builtin.tool_schema import DeclaredTool, changes_something
from voice_agent.engines.llm.builtin.wording import Wording, load_wording
from voice_agent.engines.nlu.language import Language, load_language
from voice_agent.engines.nlu.questions import expectation_of
from voice_agent.engines.nlu.table_understander import TableUnderstander

_TURNS: Final = 24
"""Turns of the past that are read again; what a caller refers to is nearer."""


def decide(
    messages: Sequence[Message],
    tools: Sequence[ToolDeclaration],
    now: datetime,
    language: str = "en",
    *,
    wording: int = 0,
) -> Decision:
    """What to say or do next; `now` is the aware local time that dates are resolved against.

    `wording` asks for other words of the same meaning, where there are any.
    """
    words: Language = load_language(language)
    declared = {tool.name: DeclaredTool.of(tool) for tool in tools}
    world = World(declared, now, load_wording(language), words, TableUnderstander(words))
    turns = read_turns(messages)
    if not turns:
        return Say(world.wording.say("greet", 0))
    first = max(0, len(turns) - _TURNS)
    state = State()
    for number, turn in enumerate(turns[first:-1], first):
        state = absorb(step(Moment(world, state, turn, number)).state, turn, world)
    last = Moment(world, state, turns[-1], len(turns) - 1 + wording)
    if turns[-1].rounds:
        return _report(last, step(last))
    if messages[-1].role is Role.ASSISTANT:
        return Say(world.wording.say("silence", 0))
    return step(last).decision


def expectation(messages: Sequence[Message]) -> Expectation:
    """The kind of answer the caller was asked for last, by what was heard."""
    heard = (message for message in reversed(messages) if message.role is Role.ASSISTANT)
    said = next((message.text for message in heard if message.text.strip()), "")
    return expectation_of(said)


def absorb(state: State, turn: Turn, world: World) -> State:
    """The state after a turn's tools: what was done is done, what was wrong is asked again."""
    for done in turn.rounds:
        state = _absorbed(state, done, world.wording)
    return state


def _absorbed(state: State, done: Round, wording: Wording) -> State:
    if done.call.name == SEARCH:
        return state
    task = _task_of(state, done)
    if not done.error:
        return replace(state, task=None, last=_with_its_number(task, done))
    code = failure_code(done.error, done.call.name, wording)
    mend = parameter_to_mend(code, task, wording)
    return replace(state, task=task.without(mend) if mend else None)


def _with_its_number(task: Task, done: Round) -> Task:
    """A booking remembers its number: the caller may want it moved right away."""
    result = done.result or {}
    number = result.get(NUMBER)
    if not number or result.get("status") != "booked":
        return task
    return replace(task, slots={**task.slots, NUMBER: str(number)})


def _task_of(state: State, done: Round) -> Task:
    """The task a call belongs to; another model may have made the call."""
    if state.task and state.task.tool == done.call.name:
        return state.task
    return Task(done.call.name, done.call.name, dict(done.call.arguments))


def _report(moment: Moment, decided: Step) -> Decision:
    """Say what the last tool told."""
    done = moment.turn.rounds[-1]
    task = _task_of(decided.state, done)
    speaker = moment.speaker
    if done.error:
        return Say(_failure(moment, task, done, speaker))
    if done.call.name == SEARCH:
        return Say(told(moment, done))
    text = result_sentence(done, task.topic, moment.number, moment.world.wording)
    if done.call.name in {TRANSFER, END} or text.endswith("?"):
        return Say(text)
    return Say(f"{text} {speaker.say('anything_else')}")


def _failure(moment: Moment, task: Task, done: Round, speaker: Speaker) -> str:
    wording = moment.world.wording
    code = failure_code(done.error, done.call.name, wording) or done.error
    known = failure_sentence(done, code, moment.number, wording)
    if known:
        return known if "?" in known else f"{known} {speaker.say('anything_else')}"
    if done.call.name == TRANSFER:
        return speaker.say("transfer_failed", **_message_of(done.result or {}))
    tool = moment.world.tools.get(done.call.name)
    uncertain = code == "timeout" and tool is not None and changes_something(tool)
    return speaker.say("tool_unsure" if uncertain else "tool_failed", action=speaker.action(task))


def _message_of(content: Mapping[str, object]) -> dict[str, str]:
    message = content.get("message")
    return {"message": message} if isinstance(message, str) else {}
