"""Questions that no task answers: looked up in the business's documents, where it has any."""

from dataclasses import replace
from typing import Final

from voice_agent.engines.llm.builtin.decisions import CallTool, Step
from voice_agent.engines.llm.builtin.history import Round
from voice_agent.engines.llm.builtin.moment import ACT, HALF, Moment
from voice_agent.engines.nlu.tokens import tokenise

SEARCH: Final = "search_knowledge"
_ENOUGH: Final = 3
"""Words of something that may be a question without beginning like one."""
_LONGEST: Final = 500


def instead_of_refusing(moment: Moment) -> Step | None:
    """A wish that no tool here fulfils may be a question that a document answers."""
    heard, tools = moment.heard, moment.world.wording.sentences["tools"]
    helpless = heard.intent == "out_of_scope" or tools.get(heard.intent) == ""
    return _search(moment) if helpless and heard.confidence >= ACT else None


def look_up(moment: Moment) -> Step | None:
    """What nothing else understood; in the middle of a task, or half understood, a question."""
    words = tokenise(moment.text, moment.world.language)
    openers = moment.world.wording.word("question_openers")
    asks = len(words) > 1 and words[0] in openers
    busy = moment.state.task is not None
    if busy and (moment.wanted is None or not asks):
        return None
    if moment.heard.confidence >= HALF and not asks:
        return None
    return _search(moment) if asks or len(words) >= _ENOUGH else None


def told(moment: Moment, done: Round) -> str:
    """What the documents say, in their words; honestly nothing when they say nothing."""
    content = done.result or {}
    answer = content.get("answer")
    if not content.get("answered") or not isinstance(answer, str) or not answer.strip():
        return moment.speaker.say("not_in_documents")
    after = moment.speaker.say("anything_else")
    if moment.wanted is not None:
        after = moment.speaker.ask(moment.wanted)
    return f"{answer.strip()[:_LONGEST]} {after}"


def _search(moment: Moment) -> Step | None:
    if SEARCH not in moment.world.tools:
        return None
    query = " ".join(moment.text.split())[:_LONGEST]
    return Step(replace(moment.state, misses=0), CallTool(SEARCH, {"query": query}))
