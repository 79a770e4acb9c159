"""One turn of the dialogue: from where the call stands and what was heard to what to do.

heard ─► unclear? ─► say so, after two in a row offer a person
      ─► an answer to our question? (yes, no, a value) ─► go on with the task
      ─► a new wish? ─► start its task
      ─► a question? ─► look it up in the documents, if there are any
      ─► nothing of these ─► say so and offer a person

task: a value missing ─► ask · must be confirmed ─► read back · else ─► call the tool
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from voice_agent.engines.llm.builtin.answers import yes_or_no
from voice_agent.engines.llm.builtin.decisions import Say, Step, Task
from voice_agent.engines.llm.builtin.documents import SEARCH, instead_of_refusing, look_up
from voice_agent.engines.llm.builtin.moment import ACT, BARELY, HALF, SURE, UNHEARD, Moment
from voice_agent.engines.llm.builtin.slots import answer_for, takes_words
from voice_agent.engines.llm.builtin.speaking import END, TRANSFER
from voice_agent.engines.llm.builtin.tasks import goodbye, proceed, start, tool_for, transfer
from voice_agent.engines.llm.builtin.tool_schema import Parameter, changes_something
from voice_agent.engines.nlu.tokens import tokenise

_PATIENCE: Final = 2
_TRANSFER_AFTER: Final = 3
_EMPTY_WORDS: Final = frozenset({"affirm", "greeting", "thanks"})
"""Intents of utterances that say nothing about a matter."""
_NAMED_BESIDE: Final = frozenset({"schedule_appointment", "check_order_status", "give_feedback"})
"""Intents that an answer with a date, a number or a rating only seems to have."""
_PRAISE: Final = frozenset({"thanks", "give_feedback"})
"""Intents that a comment may seem to have."""
_LEAVING: Final = frozenset({"transfer_to_human", "goodbye", "cancel_appointment"})
"""What is taken for a change of mind where any words would do for an answer."""
_SHORT: Final = 3
"""An answer of so few words that holds the value asked for is only that."""


def step(moment: Moment) -> Step:
    """Decide one turn."""
    unclear = _unclear(moment)
    if unclear:
        return unclear
    for answer in (
        _talk,
        yes_or_no,
        _give_up,
        _value,
        _correction,
        _remark,
        instead_of_refusing,
        _wish,
        _number,
        _social,
        look_up,
        _hint,
    ):
        found = answer(moment)
        if found:
            return found
    return _missed(moment)


def _unclear(moment: Moment) -> Step | None:
    if not tokenise(moment.text, moment.world.language):
        return _miss(moment, "not_heard")
    if moment.turn.said.confidence < UNHEARD and not _is_read_back(moment):
        again = moment.turn.heard and moment.heard.intent == "repeat"
        return _miss(moment, "misheard", _repeated(moment) if again else _asked_again(moment))
    return None


def _is_read_back(moment: Moment) -> bool:
    """Whether a faint answer does no harm: it is a value that is read back before anything."""
    task, wanted = moment.state.task, moment.wanted
    tool = moment.world.tools.get(task.tool) if task else None
    if task is None or wanted is None or tool is None or not changes_something(tool):
        return False
    faint = moment.question.kind == "ask" and moment.turn.said.confidence >= BARELY
    return faint and (takes_words(wanted) or wanted.name in moment.spoken_slots(task.tool))


def _asked_again(moment: Moment) -> str:
    """Our own question once more, so that the next answer is heard as one; "" without one."""
    if moment.wanted is not None and moment.question.kind == "ask":
        return moment.speaker.ask(moment.wanted, again=True)
    if moment.question.kind in {"confirm", "offer_person", "ask"}:
        return moment.speaker.say("misheard_question", question=moment.question.text)
    return ""


def _miss(moment: Moment, key: str, text: str = "") -> Step:
    """Something was not understood; patience ends with a person."""
    misses = moment.state.misses + 1
    state = replace(moment.state, misses=misses)
    if misses >= _TRANSFER_AFTER and TRANSFER in moment.world.tools:
        return transfer(moment, "could_not_help")
    if misses >= _PATIENCE:
        return Step(state, Say(moment.speaker.say("offer_person")))
    return Step(state, Say(text or moment.speaker.say(key)))


def _repeated(moment: Moment) -> str:
    """What the caller heard last, once more."""
    last = moment.turn.heard
    return moment.speaker.say("repeat" if last else "nothing_to_repeat", last=last)


def _talk(moment: Moment) -> Step | None:
    """About the talking itself: repeat, wait."""
    intent, confidence = moment.heard.intent, moment.heard.confidence
    if confidence < ACT:
        return None
    if intent == "repeat":
        return moment.speak(_repeated(moment))
    return moment.say("hold") if intent == "hold" else None


def _give_up(moment: Moment) -> Step | None:
    """The caller drops the matter, or has not got what we need."""
    if moment.heard.confidence < ACT:
        return None
    task = moment.state.task
    if moment.heard.intent == "stop":
        done = replace(moment.state, task=None, misses=0)
        return Step(done, Say(moment.speaker.say("dropped" if task else "what_else")))
    if moment.heard.intent in {"dont_know", "deny"} and task and moment.wanted is not None:
        if moment.wanted.name in moment.world.wording.sentences["declined"]:
            return None
        return moment.say("dont_know", action=moment.speaker.action(task))
    return None


def _value(moment: Moment) -> Step | None:
    """The value we lack, or others of the open task."""
    task = moment.state.task
    if not task or moment.wanted is None:
        return None
    slots = moment.spoken_slots(task.tool)
    if moment.wanted.name not in slots and not _switches(moment, task):
        answer = _own_words(moment, moment.wanted)
        if answer is not None:
            slots[moment.wanted.name] = answer
    if not slots or _switches(moment, task):
        return None
    return proceed(moment, task.filled(slots, doubtful=moment.doubtful))


def _own_words(moment: Moment, wanted: Parameter) -> str | None:
    """The whole answer as the value, or what a no is worth."""
    if moment.question.kind in {"offer_person", "anything_else", "confirm"}:
        return None
    declined: Mapping[str, str] = moment.world.wording.sentences["declined"]
    if moment.heard.intent == "deny" and wanted.name in declined:
        return declined[wanted.name]
    if moment.heard.intent in _EMPTY_WORDS and moment.heard.confidence >= ACT:
        return None
    return answer_for(wanted, moment.heard, moment.text)


def _switches(moment: Moment, task: Task) -> bool:
    """Whether the utterance is surely about something else than the open task."""
    intent, wanted = moment.heard.intent, moment.wanted
    if moment.heard.confidence < SURE or intent in {"", "deny", task.intent, *_EMPTY_WORDS}:
        return False
    if wanted is not None and wanted.name in moment.spoken_slots(task.tool):
        short = len(tokenise(moment.text, moment.world.language)) <= _SHORT
        return not short and intent not in _NAMED_BESIDE and tool_for(moment) != task.tool
    if wanted is not None and takes_words(wanted) and moment.question.kind == "ask":
        return intent in _LEAVING
    return tool_for(moment) != task.tool


def _wish(moment: Moment) -> Step | None:
    """Start what the caller asks for."""
    heard, tools = moment.heard, moment.world.wording.sentences["tools"]
    if heard.confidence < ACT or heard.intent not in tools:
        return _custom_wish(moment)
    return start(moment, heard.intent, tools[heard.intent])


def _custom_wish(moment: Moment) -> Step | None:
    """A declared tool that no intent stands for, named by its own words."""
    if moment.heard.confidence >= SURE:
        return None
    known = {*moment.world.wording.sentences["tools"].values(), END, TRANSFER, SEARCH}
    said = set(tokenise(moment.text, moment.world.language))
    for name in moment.world.tools:
        words = [word for word in name.split("_")[1:] if len(word) > 2]
        if name not in known and words and said.issuperset(words):
            return start(moment, name, name)
    return None


def _correction(moment: Moment) -> Step | None:
    """As in "No, ten forty three": the last task again with another value."""
    last = moment.state.last
    if last is None or moment.state.task is not None:
        return None
    tool = moment.world.tools.get(last.tool)
    slots = moment.spoken_slots(last.tool)
    if tool is None or not slots or changes_something(tool) or _switches(moment, last):
        return None
    return proceed(moment, replace(last.filled(slots, doubtful=moment.doubtful), topic=""))


def _remark(moment: Moment) -> Step | None:
    """Words beside a confirmation, where the tool takes some: as in "It was great" for a rating."""
    task, intent = moment.state.task, moment.heard.intent
    tool = moment.world.tools.get(task.tool) if task else None
    if tool is None or task is None or moment.question.kind != "confirm":
        return None
    words = tokenise(moment.text, moment.world.language)
    other = intent not in {"", task.intent, *_PRAISE} and moment.heard.confidence >= ACT
    if other or moment.heard.agrees is not None or len(words) < _SHORT:
        return None
    for lacking in (one for one in tool.parameters if not one.required and takes_words(one)):
        text = answer_for(lacking, moment.heard, moment.text)
        if text and lacking.name not in task.slots:
            return proceed(moment, task.filled({lacking.name: text}, doubtful=False))
    return None


def _number(moment: Moment) -> Step | None:
    """A bare order number: ask what it is for."""
    tool = "check_order_status"
    slots = moment.spoken_slots(tool)
    if not slots or moment.heard.confidence >= ACT:
        return None
    task = Task(tool, tool, slots, unsure=frozenset(slots))
    return moment.speak(moment.speaker.confirm(task, slots), task)


def _social(moment: Moment) -> Step | None:
    heard = moment.heard
    if heard.confidence < ACT:
        return None
    if heard.intent == "goodbye":
        return goodbye(moment)
    if heard.intent in {"greeting", "thanks", "help", "identity"}:
        return moment.say(heard.intent)
    if heard.intent in {"affirm", "deny"}:
        return _bare_answer(moment)
    return None


def _bare_answer(moment: Moment) -> Step | None:
    """A yes or no that answers none of our questions."""
    if moment.wanted is not None:
        return _miss(moment, "", moment.speaker.ask(moment.wanted, again=True))
    task = moment.state.task
    if task is not None:
        agreed = moment.heard.agrees
        return proceed(moment, task) if agreed else moment.say("change_what")
    return moment.say("what_else")


def _hint(moment: Moment) -> Step | None:
    """Half understood: ask before doing."""
    intent = moment.heard.intent
    tool = moment.world.wording.sentences["tools"].get(intent, "")
    likely = moment.heard.confidence >= HALF
    if not likely or not tool or tool not in moment.world.tools:
        return None
    task = Task(intent, tool)
    return moment.speak(moment.speaker.say("clarify", action=moment.speaker.action(task)), task)


def _missed(moment: Moment) -> Step:
    if moment.wanted is not None:
        return _miss(moment, "", moment.speaker.ask(moment.wanted, again=True))
    if moment.state.task is not None and moment.question.kind == "confirm":
        return _miss(moment, "", _asked_again(moment))
    return _miss(moment, "unknown")
