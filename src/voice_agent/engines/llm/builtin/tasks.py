"""Doing what the caller wants: start, ask for what is missing, read back, call the tool."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from voice_agent.engines.llm.builtin.decisions import CallTool, Say, Step, Task
from voice_agent.engines.llm.builtin.moment import Moment, given_for
from voice_agent.engines.llm.builtin.results import topic_of
from voice_agent.engines.llm.builtin.slots import missing
from voice_agent.engines.llm.builtin.speaking import END, TRANSFER
from voice_agent.engines.llm.builtin.tool_schema import changes_something, fitted
from voice_agent.engines.nlu.tokens import tokenise

NUMBER: Final = "confirmation_number"
"""Names an appointment; one that was just booked need not be told again."""


def start(moment: Moment, intent: str, tool: str) -> Step:
    """Begin a task with what the utterance already tells."""
    if tool == TRANSFER and tool in moment.world.tools:
        return transfer(moment, "asked")
    task = moment.state.task
    begun = task if task and task.tool == tool else Task(intent, tool)
    slots = moment.spoken_slots(tool)
    remembered = _remembered(moment, tool, slots)
    topic = topic_of(moment.text, moment.world.wording)
    begun = replace(begun.filled(slots, doubtful=moment.doubtful), topic=topic)
    complete = replace(begun, slots={**remembered, **begun.slots})
    return proceed(moment, complete, again=False)


def _remembered(moment: Moment, tool: str, slots: Mapping[str, Any]) -> Mapping[str, Any]:
    """As in "And when does it arrive?" is about the order just talked about."""
    last, declared = moment.state.last, moment.world.tools.get(tool)
    if last is not None and declared is not None and NUMBER in last.slots and last.tool != tool:
        takes_it = any(parameter.name == NUMBER for parameter in declared.parameters)
        return {NUMBER: last.slots[NUMBER]} if takes_it else {}
    if last is None or last.tool != tool or declared is None or changes_something(declared):
        return {}
    words = set(tokenise(moment.text, moment.world.language))
    again = words & set(moment.world.wording.sentences["words"]["another"])
    return {} if slots or again else last.slots


def tool_for(moment: Moment) -> str:
    """The tool behind the utterance's intent; the intent itself where there is none."""
    intent = moment.heard.intent
    return str(moment.world.wording.sentences["tools"].get(intent, intent))


def proceed(moment: Moment, task: Task, *, again: bool = True) -> Step:
    """Ask for what is missing, read back what must be confirmed, else act."""
    tool = moment.world.tools.get(task.tool)
    if tool is None:
        return impossible(moment, task)
    lacking = missing(tool, task, given_for(task, moment))
    if lacking is not None:
        same = moment.wanted is not None and moment.wanted.name == lacking.name
        again = again and same and moment.state.task is not None
        return moment.speak(moment.speaker.ask(lacking, again=again), task)
    if task.unsure or changes_something(tool):
        return moment.speak(moment.speaker.confirm(task, arguments_of(moment, task)), task)
    return call(moment, task)


def arguments_of(moment: Moment, task: Task) -> dict[str, Any]:
    """The task's values in the tool's types, with what the record needs besides."""
    tool = moment.world.tools[task.tool]
    values = {**given_for(task, moment), **task.slots}
    found: dict[str, Any] = {}
    for parameter in tool.parameters:
        given = parameter.name in task.slots or parameter.required
        if given and parameter.name in values:
            found[parameter.name] = fitted(values[parameter.name], parameter.schema)
    return found


def call(moment: Moment, task: Task) -> Step:
    """Run the task's tool."""
    state = replace(moment.state, task=task, misses=0)
    return Step(state, CallTool(task.tool, arguments_of(moment, task)))


def impossible(moment: Moment, task: Task) -> Step:
    """No tool is there for it."""
    state = replace(moment.state, task=None, misses=0)
    return Step(state, Say(moment.speaker.say("cannot", action=moment.speaker.action(task))))


def transfer(moment: Moment, reason: str) -> Step:
    """Hand the caller to a person."""
    if TRANSFER not in moment.world.tools:
        return impossible(moment, Task(TRANSFER, TRANSFER))
    reasons = moment.world.wording.sentences["reasons"]
    slots = {**moment.spoken_slots(TRANSFER), "reason": reasons[reason]}
    names = {parameter.name for parameter in moment.world.tools[TRANSFER].parameters}
    known = {name: value for name, value in slots.items() if name in names}
    return proceed(moment, Task(TRANSFER, TRANSFER, known))


def goodbye(moment: Moment) -> Step:
    """End the call, politely."""
    if END in moment.world.tools:
        return proceed(moment, Task("goodbye", END))
    return moment.say("goodbye")
