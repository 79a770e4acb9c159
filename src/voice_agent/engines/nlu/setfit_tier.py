"""SetFit, for whoever brings torch along: the same examples, a sentence model tuned to them.

Teaching runs in the calling process (minutes); predicting runs in a worker process, because
the library takes ten seconds and half a gigabyte to load and holds the interpreter lock.
"""

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import anyio

from voice_agent.core.errors import ConfigurationError, ProviderGarbage, ProviderUnavailable
from voice_agent.engines.embedding.minilm import weights_folder
from voice_agent.engines.nlu.few_shot.examples import Example
from voice_agent.engines.nlu.few_shot.model import Prediction
from voice_agent.engines.worker_channel import WorkerMessage
from voice_agent.engines.worker_process import WorkerProcess

NAME: Final = "setfit"
INSTALL: Final = 'pip install "voice-agent[setfit]"'
TIMEOUT: Final = 2.0
"""Seconds a prediction may take; it is usually a hundredth of that."""
_BASE: Final = "sentence-transformers/all-MiniLM-L6-v2"
_BATCH: Final = 16
_SEED: Final = 42


def missing() -> str:
    """Nothing when SetFit is installed, else one sentence with the command that brings it."""
    return "" if find_spec("setfit") else f"SetFit is not installed; install it with: {INSTALL}"


def train(examples: Sequence[Example], folder: Path, base: str = "") -> None:
    """Tune a sentence model to the examples and write it into the folder; takes minutes.

    `base` names a model or its folder; without it the installed MiniLM weights are taken.
    Pairs are sampled with undersampling: the library's default grows with the square of the
    examples and would take hours on a processor.

    Raises:
        ConfigurationError: SetFit is not installed.
    """
    if trouble := missing():
        raise ConfigurationError(trouble)
    setfit: Any = import_module("setfit")
    datasets: Any = import_module("datasets")
    labels = sorted({example.intent for example in examples})
    model = setfit.SetFitModel.from_pretrained(base or _base(), labels=labels)
    trainer = setfit.Trainer(
        model=model,
        args=setfit.TrainingArguments(
            batch_size=_BATCH,
            num_epochs=1,
            sampling_strategy="undersampling",
            report_to="none",
            save_strategy="no",
            seed=_SEED,
        ),
        train_dataset=datasets.Dataset.from_dict(
            {"text": [e.text for e in examples], "label": [e.intent for e in examples]}
        ),
    )
    trainer.train()
    model.save_pretrained(str(folder))


def _base() -> str:
    folder = weights_folder()
    return str(folder) if folder else _BASE


class SetFitClassifier:
    """A tuned model in a process of its own; asked inside `running()`."""

    def __init__(self, folder: Path) -> None:
        """`folder` was written by `train`: load no other's, a part of it is a pickle.

        Raises:
            ConfigurationError: SetFit is not installed, or the folder holds no model.
        """
        if trouble := missing():
            raise ConfigurationError(trouble)
        if not (folder / "model_head.pkl").is_file():
            raise ConfigurationError(f"There is no SetFit model in {folder}; train one first.")
        self._numbers = itertools.count()
        self._waiting: dict[int, _Answer] = {}
        self._worker = WorkerProcess(
            "voice_agent.engines.nlu.setfit_worker",
            [str(folder)],
            on_message=self._answered,
            on_death=self._died,
            provider=NAME,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator["SetFitClassifier"]:
        """Load the model; ready when the block is entered.

        Raises:
            ProviderUnavailable: it cannot be loaded.
        """
        async with self._worker.running():
            yield self

    async def predict(self, text: str) -> Prediction:
        """The intent of an utterance with every intent's probability.

        Raises:
            ProviderUnavailable: the worker is dead or too slow.
            ProviderGarbage: what it answered is no prediction.
        """
        number, answer = next(self._numbers), _Answer()
        self._waiting[number] = answer
        try:
            if not self._worker.send(
                WorkerMessage({"type": "predict", "id": number, "text": text})
            ):
                raise ProviderUnavailable("SetFit's process is being restarted", provider=NAME)
            with anyio.fail_after(TIMEOUT):
                await answer.come.wait()
        except TimeoutError:
            raise ProviderUnavailable(f"SetFit took over {TIMEOUT:g} s", provider=NAME) from None
        finally:
            del self._waiting[number]
        if answer.message is None:
            raise ProviderUnavailable("SetFit's process died", provider=NAME)
        return _read(answer.message)

    def _answered(self, message: WorkerMessage) -> None:
        answer = self._waiting.get(message.header.get("id", -1))
        if answer is not None:
            answer.message = message
            answer.come.set()

    def _died(self) -> None:
        for answer in self._waiting.values():
            answer.come.set()


class _Answer:
    def __init__(self) -> None:
        self.come = anyio.Event()
        self.message: WorkerMessage | None = None


def _read(message: WorkerMessage) -> Prediction:
    ranking = message.header.get("ranking")
    try:
        pairs = tuple((str(intent), float(chance)) for intent, chance in ranking or ())
        intent, confidence = pairs[0]
    except (TypeError, ValueError, IndexError) as error:
        raise ProviderGarbage("SetFit's process answered nonsense", provider=NAME) from error
    return Prediction(intent, confidence, pairs)
