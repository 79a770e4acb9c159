"""A model taught anew takes the old one's place only if it is no worse."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from voice_agent.core.understanding import Intent
from voice_agent.engines.embedding.vectors import SentenceEmbedder
from voice_agent.engines.nlu.evaluation import Evaluation, Labelled, evaluate, read_labelled
from voice_agent.engines.nlu.few_shot.examples import Example
from voice_agent.engines.nlu.few_shot.shipped import teach
from voice_agent.engines.nlu.few_shot_tier import Classifier
from voice_agent.engines.nlu.language import Language

_BACKTEST: Final = "backtest.jsonl"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the model in use and the new one did on the same utterances."""

    before: Evaluation
    after: Evaluation

    @property
    def promoted(self) -> bool:
        """Whether the new one took over."""
        return self.after.accuracy >= self.before.accuracy


def shipped_backtest(language: Language) -> tuple[Labelled, ...]:
    """The utterances by which a language's models are judged; never use them as examples.

    Raises:
        ConfigurationError: they cannot be read.
    """
    return read_labelled(language.folder / _BACKTEST)


def backtest(model: Classifier, tests: Sequence[Labelled]) -> Evaluation:
    """How well a model does."""
    return evaluate([(test.intent, _intent(model, test.text)) for test in tests])


def teach_and_promote(
    current: Classifier,
    examples: Sequence[Example],
    tests: Sequence[Labelled],
    embedder: SentenceEmbedder | None,
    folder: Path,
) -> Verdict:
    """Teach a model; if it is no worse than `current` it is what `folder` holds from then on.

    Raises:
        ConfigurationError: the examples do not make a model.
        OSError: the folder cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder.parent, prefix=".few_shot-") as workshop:
        candidate = teach(examples, embedder, Path(workshop))
        verdict = Verdict(backtest(current, tests), backtest(candidate, tests))
        if verdict.promoted:
            folder.mkdir(exist_ok=True)
            for file in sorted(Path(workshop).iterdir()):
                shutil.copy2(file, folder / f".{file.name}")
                (folder / f".{file.name}").replace(folder / file.name)
    return verdict


def _intent(model: Classifier, text: str) -> Intent:
    found = model.predict(text).intent
    return Intent(found) if found in set(Intent) else Intent.OUT_OF_SCOPE
