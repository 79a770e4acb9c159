"""Answers to our own questions: yes, no, and a no that brings the right value along."""

from dataclasses import replace
from typing import Any

from voice_agent.engines.llm.builtin.decisions import Say, Step, Task
from voice_agent.engines.llm.builtin.moment import ACT, Moment
from voice_agent.engines.llm.builtin.spoken_values import spoken
from voice_agent.engines.llm.builtin.tasks import call, goodbye, proceed, tool_for, transfer
from voice_agent.engines.nlu.spoken_numbers import find_numbers, number_words
from voice_agent.engines.nlu.tokens import tokenise


def yes_or_no(moment: Moment) -> Step | None:
    """An answer to a question of ours."""
    agrees, task = moment.heard.agrees, moment.state.task
    kind = moment.question.kind
    if task and moment.wanted is None and kind in {"confirm", "yes_no"}:
        return _confirmation(moment, task)
    if agrees is None or wishes(moment) or _corrects(moment):
        return None
    return _answered(moment, agrees=agrees)


def _answered(moment: Moment, *, agrees: bool) -> Step | None:
    kind, task = moment.question.kind, moment.state.task
    if task and kind == "confirm":
        return proceed(moment, task) if agrees else _declined(_taskless(moment))
    if kind == "yes_no" and agrees and moment.wanted is not None:
        return moment.speak(moment.speaker.ask(moment.wanted))
    if kind == "offer_person":
        return transfer(moment, "asked") if agrees else _declined(moment)
    if kind == "anything_else" and moment.heard.intent in {"affirm", "deny", "goodbye"}:
        return moment.say("what_else") if agrees else goodbye(moment)
    return None


def wishes(moment: Moment) -> bool:
    """Whether the utterance asks for something of its own, beside a yes or no."""
    plain = {"", "affirm", "deny", "thanks", "greeting", "goodbye"}
    return moment.heard.intent not in plain and moment.heard.confidence >= ACT


def _taskless(moment: Moment) -> Moment:
    """The same turn with no task open."""
    return Moment(moment.world, replace(moment.state, task=None), moment.turn, moment.number)


def _corrects(moment: Moment) -> bool:
    """Whether a no comes with another value for what was done last."""
    last = moment.state.last
    return last is not None and bool(moment.spoken_slots(last.tool))


def _declined(moment: Moment) -> Step:
    state = replace(moment.state, misses=0)
    if moment.wanted is not None:
        return Step(state, Say(moment.speaker.ask(moment.wanted)))
    return Step(replace(state, task=None), Say(moment.speaker.say("what_else")))


def _confirmation(moment: Moment, task: Task) -> Step | None:
    agrees = moment.heard.agrees
    slots = moment.spoken_slots(task.tool)
    changed = {name: value for name, value in slots.items() if task.slots.get(name) != value}
    other = wishes(moment) and tool_for(moment) != task.tool
    if changed and (agrees is False or not other):
        return proceed(moment, task.filled(changed, doubtful=moment.doubtful))
    if other or agrees is None:
        return None
    if agrees:
        return _agreed(moment, task)
    return _disagreed(moment, task)


def _agreed(moment: Moment, task: Task) -> Step:
    """A yes counts only for what was read back and heard."""
    if heard_in(moment, task):
        return call(moment, replace(task, unsure=frozenset()))
    return proceed(moment, task)


def heard_in(moment: Moment, task: Task) -> bool:
    """Whether the question that was heard named every value of the task."""
    if moment.question.kind != "confirm" and task.slots:
        return False
    language = moment.world.language
    tokens = tokenise(moment.turn.heard, language)
    numbers = {run.digits for run in find_numbers(tokens, number_words(language))}
    said = " ".join(tokens)
    return all(_named(value, said, numbers, moment) for value in task.slots.values())


def _named(value: Any, said: str, numbers: set[str], moment: Moment) -> bool:
    words = tokenise(spoken(value, moment.world.wording), moment.world.language)
    return str(value) in numbers or " ".join(words) in said


def _disagreed(moment: Moment, task: Task) -> Step:
    tool = moment.world.tools.get(task.tool)
    given = [one for one in tool.parameters if one.name in task.slots] if tool else []
    if len(given) == 1:
        emptied = task.without(given[0].name)
        return moment.speak(moment.speaker.ask(given[0], again=True), emptied)
    return moment.say("change_what")
