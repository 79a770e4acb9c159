"""How well intents are found: accuracy, macro-F1, and what is taken for what."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from voice_agent.core.errors import ConfigurationError
from voice_agent.core.understanding import Intent

Pair = tuple[Intent, Intent]
"""The intent that was meant and the one that was found."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """An utterance whose intent is known."""

    text: str
    intent: Intent
    previous_agent_text: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Figures over a set; `confusion` counts each pair of meant and found that occurred."""

    total: int
    right: int
    scores: Mapping[Intent, float]
    confusion: Mapping[Pair, int]

    @property
    def accuracy(self) -> float:
        """The share that was found right."""
        return self.right / self.total if self.total else 0.0

    @property
    def macro_f1(self) -> float:
        """The mean of the intents' F1, each counting the same."""
        return sum(self.scores.values()) / len(self.scores) if self.scores else 0.0

    @property
    def out_of_scope_recall(self) -> float:
        """The share of what is out of scope that was found to be."""
        return self._share_rejected(of_scope=False)

    @property
    def false_rejection(self) -> float:
        """The share of what is in scope that was found to be out of it."""
        return self._share_rejected(of_scope=True)

    def _share_rejected(self, *, of_scope: bool) -> float:
        out = Intent.OUT_OF_SCOPE
        counted = [(p, n) for p, n in self.confusion.items() if (p[0] is not out) == of_scope]
        total = sum(count for _, count in counted)
        rejected = sum(count for pair, count in counted if pair[1] is out)
        return rejected / total if total else 0.0


def evaluate(pairs: Sequence[Pair]) -> Evaluation:
    """The figures of what was meant and found."""
    confusion = Counter(pairs)
    right = {meant: count for (meant, found), count in confusion.items() if meant is found}
    meant_counts = Counter(meant for meant, _ in pairs)
    found_counts = Counter(found for _, found in pairs)
    scores = {
        intent: 2 * right.get(intent, 0) / (count + found_counts[intent])
        for intent, count in meant_counts.items()
    }
    return Evaluation(len(pairs), sum(right.values()), scores, confusion)


def read_labelled(path: Path) -> tuple[Labelled, ...]:
    """The utterances of a JSONL file with `text` and `intent`, `previous_agent_text` if any.

    Raises:
        ConfigurationError: it cannot be read; the message names the line.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror}.") from None
    rows = tuple(_row(path, number, line) for number, line in enumerate(lines, 1) if line.strip())
    if not rows:
        raise ConfigurationError(f"{path} holds no utterance.")
    return rows


def _row(path: Path, number: int, line: bytes) -> Labelled:
    try:
        row = orjson.loads(line)
        text, intent = row["text"], row["intent"]
        previous = row.get("previous_agent_text") or ""
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigurationError(
            f"{path}, line {number}: not an object with text and intent."
        ) from None
    if not isinstance(text, str) or not isinstance(previous, str):
        raise ConfigurationError(f"{path}, line {number}: the text is not a text.")
    if intent not in set(Intent):
        raise ConfigurationError(f"{path}, line {number}: there is no intent {intent!r}.")
    return Labelled(text, Intent(intent), previous)


def as_table(found: Evaluation) -> list[tuple[str, str, int]]:
    """What was taken for what: meant, found, how often; the most frequent mistakes first."""
    mistakes = ((pair, count) for pair, count in found.confusion.items() if pair[0] is not pair[1])
    ranked = sorted(mistakes, key=lambda entry: (-entry[1], entry[0]))
    return [(str(meant), str(taken), count) for (meant, taken), count in ranked]
