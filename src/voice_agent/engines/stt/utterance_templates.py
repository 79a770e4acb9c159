"""Templates of what callers say, and random sentences from them.

`(a|b)` is one of several, `[a|b]` one of several or nothing, `{slot}` a value. Pure: the
randomness is an argument.
"""

import random
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from importlib import resources

_TOKEN = re.compile(r"[()\[\]|]|\{\w+\}|[^()\[\]|{}\s]+")
_CLOSER = {"(": ")", "[": "]"}

SlotMaker = Callable[[random.Random], str]
"""Makes one spoken value, words separated by single spaces."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several sequences."""

    options: tuple["Sequence", ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for a value."""

    name: str


Part = str | Slot | Choice
Sequence = tuple[Part, ...]


class TemplateError(ValueError):
    """A template whose brackets do not match."""


def parse(template: str) -> Sequence:
    """Read a template.

    Raises:
        TemplateError: a bracket is not closed or closes nothing.
    """
    pieces = _TOKEN.findall(template)
    options, rest = _options(pieces, 0, template)
    if rest != len(pieces):
        raise TemplateError(f"a bracket closes nothing in {template!r}")
    return options[0] if len(options) == 1 else (Choice(tuple(options)),)


def _options(pieces: list[str], at: int, template: str) -> tuple[list[Sequence], int]:
    options: list[Sequence] = []
    current: list[Part] = []
    while at < len(pieces) and pieces[at] not in ")]":
        piece = pieces[at]
        at += 1
        if piece == "|":
            options.append(tuple(current))
            current = []
        elif piece in _CLOSER:
            inner, at = _options(pieces, at, template)
            if at >= len(pieces) or pieces[at] != _CLOSER[piece]:
                raise TemplateError(f"a bracket is not closed in {template!r}")
            at += 1
            current.append(Choice((*inner, ()) if piece == "[" else tuple(inner)))
        else:
            current.append(Slot(piece[1:-1]) if piece[0] == "{" else piece)
    return [*options, tuple(current)], at


@dataclass(frozen=True, slots=True)
class Utterances:
    """Everything callers are expected to say in one language.

    `groups` maps "intent.<name>", "answer.<name>" and "heard.<name>" to a weight and its
    templates; `lists` are slots written as templates; `before` and `after` are said around
    a sentence. Words that begin with one of `unwanted`, but for those in `wanted`, are not
    listened for in general talk.
    """

    groups: Mapping[str, tuple[float, tuple[Sequence, ...]]]
    lists: Mapping[str, tuple[Sequence, ...]]
    before: tuple[Sequence, ...] = ()
    after: tuple[Sequence, ...] = ()
    makers: Mapping[str, SlotMaker] = field(default_factory=dict)
    unwanted: tuple[str, ...] = ()
    wanted: frozenset[str] = frozenset()

    def refuses(self, word: str) -> bool:
        """Whether a general word must not be heard in a business's calls."""
        return word.startswith(self.unwanted) and word not in self.wanted

    def only(self, weights: Mapping[str, float]) -> "Utterances":
        """The groups of these names, whatever their kind, weighing as given."""
        groups = {
            group: (weights[group.partition(".")[2]], templates)
            for group, (_, templates) in self.groups.items()
            if group.partition(".")[2] in weights
        }
        return replace(self, groups=groups)

    def say(self, sequence: Sequence, chance: random.Random) -> str:
        """One random sentence of a template.

        Raises:
            TemplateError: a slot is neither a list nor made by code.
        """
        return " ".join(self._words(sequence, chance))

    def _words(self, sequence: Sequence, chance: random.Random) -> list[str]:
        words: list[str] = []
        for part in sequence:
            if isinstance(part, str):
                words.append(part)
            elif isinstance(part, Choice):
                words += self._words(chance.choice(part.options), chance)
            elif part.name in self.lists:
                words += self._words(chance.choice(self.lists[part.name]), chance)
            elif part.name in self.makers:
                words += self.makers[part.name](chance).split()
            else:
                raise TemplateError(f"nothing fills the slot {part.name!r}")
        return words


def source(language: str) -> str:
    """The text of a language's utterances.

    Raises:
        FileNotFoundError: there are none for the language.
    """
    folder = resources.files("voice_agent.engines.nlu").joinpath("languages", language)
    return folder.joinpath("utterances.toml").read_text("utf-8")


def load(text: str, makers: Mapping[str, SlotMaker]) -> Utterances:
    """Read utterances; `makers` fill the slots that are no word lists."""
    table = tomllib.loads(text)
    groups = {
        f"{kind}.{name}": (float(group["weight"]), tuple(map(parse, group["say"])))
        for kind in ("intent", "answer", "heard")
        if kind in table
        for name, group in table[kind].items()
    }
    lists = {name: tuple(map(parse, values)) for name, values in table["slot"].items()}
    around = table.get("around", {})
    before, after = (tuple(map(parse, around.get(side, ()))) for side in ("before", "after"))
    unwanted, wanted = tuple(table.get("unwanted", ())), frozenset(table.get("wanted", ()))
    return Utterances(groups, lists, before, after, makers, unwanted, wanted)
