"""A sentence made from a tool's real result; what the result does not hold is not said."""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from voice_agent.engines.llm.builtin.decisions import Task
from voice_agent.engines.llm.builtin.history import Round
from voice_agent.engines.llm.builtin.spoken_values import spoken
from voice_agent.engines.llm.builtin.wording import Wording, first_fitting
from voice_agent.engines.nlu.language import load_language
from voice_agent.engines.nlu.patterns import Pattern, Vocabulary, spaced
from voice_agent.engines.nlu.tokens import tokenise

_MOST_FACTS: Final = 2
_UNSAID: Final = frozenset({"id", "ok", "success", "found"})


def topic_of(text: str, wording: Wording) -> str:
    """What a question is about in particular (the tracking number, the day), "" when nothing."""
    tokens = tokenise(text, load_language(wording.language.code))
    said, words = spaced(tokens), frozenset(tokens)
    topics = (topic for topic, pattern in _topics(wording) if pattern.found_in(said, words))
    return next(topics, "")


@cache
def _topics(wording: Wording) -> tuple[tuple[str, Pattern], ...]:
    entries: Mapping[str, list[str]] = wording.results["topics"]
    return tuple(
        (topic, pattern)
        for topic, patterns in entries.items()
        for pattern in Vocabulary().compile(patterns)
    )


def values_of(
    arguments: Mapping[str, Any], content: Mapping[str, Any], wording: Wording
) -> dict[str, str]:
    """Everything that is known, in words: arguments, then the result over them."""
    words: dict[str, str] = {}
    for source in (arguments, content):
        for name, value in source.items():
            if said := spoken(value, wording):
                words[str(name)] = said
    for name in content:
        ready = content.get(f"{name}_text")
        if isinstance(ready, str) and ready.strip():
            words[str(name)] = ready.strip()
    for name, others in wording.results["aliases"].items():
        known = (words[other] for other in others if other in words)
        if name not in words and (said := next(known, "")):
            words[name] = said
    return words | _derived(words, wording)


def _derived(words: Mapping[str, str], wording: Wording) -> dict[str, str]:
    """Words that depend on others: one minute, two minutes."""
    minutes = words.get("wait_minutes", "")
    if not minutes.isdecimal():
        return {}
    singular, plural = wording.word("minutes")
    return {"minutes": singular if minutes == "1" else plural}


def result_sentence(done: Round, topic: str, turn: int, wording: Wording) -> str:
    """What a successful tool call means for the caller."""
    content = done.result or {}
    values = values_of(done.call.arguments, content, wording)
    entries: Sequence[Mapping[str, Any]] = wording.results.get(done.call.name, ())
    specific = [entry for entry in entries if entry.get("about") and entry["about"] == topic]
    general = [entry for entry in entries if not entry.get("about")]
    for entry in (*specific, *general):
        text = first_fitting(entry["say"], values, _in_order(entry["say"], turn))
        if text and _fits(entry.get("when", {}), values):
            return text
    return _message(values, wording) or _facts(content, wording) or wording.say("done", turn)


def _in_order(wordings: Sequence[str], turn: int) -> int:
    """Wordings that need the same values take turns; otherwise the richest comes first."""
    needs = {
        frozenset(re.findall(r"\{(\w+)\}", re.sub(r"\[[^\]]*\]", "", one))) for one in wordings
    }
    return turn if len(needs) == 1 else 0


def _fits(when: Mapping[str, str], values: Mapping[str, str]) -> bool:
    return all(values.get(name, "").casefold() == value for name, value in when.items())


def _message(values: Mapping[str, str], wording: Wording) -> str:
    keys: Sequence[str] = wording.results["*"]["message"]
    return next((values[key] for key in keys if values.get(key)), "")


def _facts(content: Mapping[str, Any], wording: Wording) -> str:
    """The first plain facts of a result nobody wrote a sentence for."""
    facts = [
        (name.replace("_", " "), said)
        for name, value in content.items()
        if name not in _UNSAID and (said := spoken(value, wording))
    ]
    template = "fact"
    told = [wording.say(template, 0, name=name, value=said) for name, said in facts[:_MOST_FACTS]]
    return " ".join(told)


def failure_code(error: str, tool: str, wording: Wording) -> str:
    """The known failure that a tool's code stands for, "" for an unknown one."""
    errors: Mapping[str, Any] = wording.results["errors"]
    if error in errors:
        return error
    meanings: Mapping[str, str] = wording.results["error_words"]
    meant = next((code for word, code in meanings.items() if word in error), "")
    by_tool: Mapping[str, str] = wording.results["not_found"]
    return by_tool.get(tool, "") if meant == "not_found" else meant


def failure_sentence(done: Round, code: str, turn: int, wording: Wording) -> str:
    """An honest sentence about a known failure, "" when there is none for it."""
    values = values_of(done.call.arguments, done.result or {}, wording)
    wordings: Sequence[str] = wording.results["errors"].get(code, ())
    return first_fitting(wordings, values, turn) or ""


def parameter_to_mend(code: str, task: Task, wording: Wording) -> str:
    """The value the caller must give again after a failure, "" when another try is no use."""
    name = str(wording.results["mend"].get(code, ""))
    return next((slot for slot in (name, f"new_{name}") if name and slot in task.slots), "")
