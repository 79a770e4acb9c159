"""The sentences of the dialogue: questions, confirmations, offers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from voice_agent.engines.llm.builtin.decisions import Task
from voice_agent.engines.llm.builtin.spoken_values import spoken
from voice_agent.engines.llm.builtin.tool_schema import DeclaredTool, Parameter
from voice_agent.engines.llm.builtin.wording import Wording, first_fitting

TRANSFER = "transfer_to_human"
END = "end_call"


@dataclass(frozen=True)
class Speaker:
    """Chooses wordings for one turn; `tools` are those declared."""

    wording: Wording
    tools: Mapping[str, DeclaredTool]
    turn: int

    def say(self, key: str, **values: str) -> str:
        """A sentence; one that would offer a person becomes another when nobody can be had."""
        alone = f"{key}_alone"
        if TRANSFER not in self.tools and alone in self.wording.sentences["say"]:
            key = alone
        return self.wording.say(key, self.turn, abilities=self.abilities(), **values)

    def abilities(self) -> str:
        """As in "I can check an order, …" for the tools there are."""
        names = [name for name in self.tools if name != END]
        if not names:
            return self.wording.say("no_abilities", self.turn)
        actions = [self.wording.action(name, self.tools[name].description) for name in names[:6]]
        return self.wording.say("abilities", self.turn, actions=self.wording.joined(actions, "or"))

    def action(self, task: Task) -> str:
        """What a task does."""
        tool = self.tools.get(task.tool)
        return self.wording.action(task.tool or task.intent, tool.description if tool else "")

    def ask(self, parameter: Parameter, *, again: bool = False) -> str:
        """The question for a parameter."""
        table: Mapping[str, Sequence[str]] = self.wording.sentences["ask_again" if again else "ask"]
        name = parameter.name.replace("_", " ")
        described = parameter.description or name
        values = {
            "description": described[:1].lower() + described[1:],
            "options": self.wording.joined([o.replace("_", " ") for o in parameter.options], "or"),
        }
        key = parameter.name if parameter.name in table else "choice" if parameter.options else "*"
        return first_fitting(table[key], values, self.turn) or table[key][0]

    def confirm(self, task: Task, arguments: Mapping[str, Any]) -> str:
        """Read back what is about to be done."""
        table: Mapping[str, Sequence[str]] = self.wording.sentences["confirm"]
        words = {name: spoken(value, self.wording) for name, value in arguments.items()}
        asked = {name: said for name, said in words.items() if name in task.slots and said}
        listed = ", ".join(f"{name.replace('_', ' ')} {said}" for name, said in asked.items())
        values = {**asked, "values": listed or self.action(task)}
        text = first_fitting(table.get(task.tool, ()), values, self.turn)
        return text or first_fitting(table["*"], values, self.turn) or ""
