"""One turn that is being decided, with everything the decision may look at."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from voice_agent.core.speech import Expectation
from voice_agent.engines.llm.builtin.decisions import Say, State, Step, Task
from voice_agent.engines.llm.builtin.history import Turn
from voice_agent.engines.llm.builtin.slots import expected_for, missing, slots_from
from voice_agent.engines.llm.builtin.speaking import Speaker
from voice_agent.engines.llm.builtin.tool_schema import DeclaredTool, Parameter
from voice_agent.engines.llm.builtin.wording import Wording
from voice_agent.engines.nlu.language import Language
from voice_agent.engines.nlu.questions import Question, question_of
from voice_agent.engines.nlu.understanding import Context, Understander, Understanding

UNHEARD: Final = 0.6
"""Recogniser confidence below which nothing is acted on."""
BARELY: Final = 0.4
"""Recogniser confidence from which a value is taken that will be read back in any case."""
DOUBTFUL: Final = 0.65
"""Recogniser confidence below which a value is read back even before a tool that only reads."""
ACT: Final = 0.6
"""Intent confidence from which a wish is acted on; below, it is asked about."""
HALF: Final = 0.4
"""Intent confidence from which a wish is asked about."""
SURE: Final = 0.9
"""Intent confidence from which an open task is left for another."""


@dataclass(frozen=True)
class World:
    """What does not change during a turn."""

    tools: Mapping[str, DeclaredTool]
    now: datetime
    wording: Wording
    language: Language
    understander: Understander


@dataclass(frozen=True)
class Moment:
    """One turn being decided."""

    world: World
    state: State
    turn: Turn
    number: int

    @property
    def text(self) -> str:
        """What the caller said."""
        return self.turn.said.text

    @cached_property
    def speaker(self) -> Speaker:
        """Wordings for this turn."""
        return Speaker(self.world.wording, self.world.tools, self.number)

    @cached_property
    def question(self) -> Question:
        """What the caller had been asked."""
        return question_of(self.turn.heard, self.world.language)

    @cached_property
    def wanted(self) -> Parameter | None:
        """The value the open task lacks."""
        task = self.state.task
        tool = self.world.tools.get(task.tool) if task else None
        return missing(tool, task, given_for(task, self)) if task and tool else None

    @cached_property
    def heard(self) -> Understanding:
        """The utterance, read as an answer to what the task lacks."""
        return self.world.understander.understand(
            self.text, Context(self.world.now, self._expected())
        )

    def _expected(self) -> Expectation:
        if self.wanted is not None and self.question.kind != "offer_person":
            return expected_for(self.wanted.name)
        task = self.state.task
        if task and self.question.kind == "confirm" and {"time", "new_time"} & task.slots.keys():
            return Expectation.DATE_TIME
        return self.question.expectation

    @property
    def doubtful(self) -> bool:
        """Whether values must be read back."""
        return self.turn.said.confidence < DOUBTFUL

    def spoken_slots(self, tool_name: str) -> dict[str, Any]:
        """Values in the utterance that fit a tool."""
        tool = self.world.tools.get(tool_name)
        return slots_from(tool, self.heard, self.text) if tool else {}

    def say(self, key: str, **values: str) -> Step:
        """Speak and stay where the call is; something was understood."""
        return self.speak(self.speaker.say(key, **values))

    def speak(self, text: str, task: Task | None = None) -> Step:
        """Speak; the open task becomes `task` when given."""
        state = replace(self.state, misses=0, task=task or self.state.task)
        return Step(state, Say(text))


def given_for(task: Task | None, moment: Moment) -> dict[str, str]:
    """What the record gets where the caller is not asked."""
    fills: Mapping[str, Mapping[str, list[str]]] = moment.world.wording.sentences["fill"]
    if task is None:
        return {}
    return {name: texts[0] for name, texts in fills.get(task.tool, {}).items()}
