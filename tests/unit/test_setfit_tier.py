"""SetFit behind its extra: without it, and with a library of the same interface."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from voice_agent.core.errors import ConfigurationError, ProviderGarbage, ProviderUnavailable
from voice_agent.engines.nlu import setfit_tier
from voice_agent.engines.nlu.few_shot.examples import Example
from voice_agent.engines.nlu.setfit_tier import SetFitClassifier, train

pytestmark = pytest.mark.anyio

EXAMPLES = [Example("hello", "greeting"), Example("bye", "goodbye")]
LIBRARY = """
import json, pathlib, time

class SetFitModel:
    def __init__(self, labels): self.labels = labels
    @classmethod
    def from_pretrained(cls, name, labels=None):
        path = pathlib.Path(name) / "labels.json"
        return cls(labels or json.loads(path.read_text()))
    def save_pretrained(self, folder):
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "labels.json").write_text(json.dumps(self.labels))
        (folder / "model_head.pkl").write_bytes(b"")
    def predict_proba(self, texts):
        if texts[0] == "slow": time.sleep(60)
        if texts[0] == "die": raise RuntimeError("out of memory")
        if texts[0] == "nonsense": return [["x"] * len(self.labels)]
        chance = 0.9 if texts[0] == "hello" else 0.2
        return [[1 - chance, chance]]

class TrainingArguments:
    def __init__(self, **values): self.values = values

class Trainer:
    def __init__(self, model, args, train_dataset):
        assert args.values["sampling_strategy"] == "undersampling"
        assert set(train_dataset) == {"text", "label"}
    def train(self): pass
"""
DATASETS = """
class Dataset:
    @staticmethod
    def from_dict(columns): return columns
"""


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "setfit.py").write_text(LIBRARY)
    (tmp_path / "datasets.py").write_text(DATASETS)
    monkeypatch.syspath_prepend(str(tmp_path))
    train(EXAMPLES, tmp_path / "model", base="anything")
    for name in ("setfit", "datasets"):
        sys.modules.pop(name, None)
    return tmp_path / "model"


@pytest.mark.skipif(find_spec("setfit") is not None, reason="SetFit is installed")
def test_without_the_extra_the_message_is_the_command(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r'pip install "voice-agent\[setfit\]"'):
        train(EXAMPLES, tmp_path)
    with pytest.raises(ConfigurationError, match=r'pip install "voice-agent\[setfit\]"'):
        SetFitClassifier(tmp_path)


def test_importing_the_tier_loads_nothing_heavy() -> None:
    code = "import sys, voice_agent.engines.nlu.setfit_tier; print('setfit' in sys.modules)"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "False"


async def test_a_taught_model_predicts_in_its_own_process(library: Path) -> None:
    async with SetFitClassifier(library).running() as classifier:
        prediction = await classifier.predict("hello")
    assert prediction.intent == "greeting"
    assert [intent for intent, _ in prediction.ranking] == ["greeting", "goodbye"]
    assert prediction.confidence == pytest.approx(0.9)


async def test_a_folder_without_a_model_is_told(library: Path) -> None:
    with pytest.raises(ConfigurationError, match="train one first"):
        SetFitClassifier(library.parent)


async def test_a_process_that_dies_is_unavailable_at_once(library: Path) -> None:
    async with SetFitClassifier(library).running() as classifier:
        with pytest.raises(ProviderUnavailable, match="died"):
            await classifier.predict("die")
        with pytest.raises(ProviderUnavailable, match="restarted"):
            await classifier.predict("hello")


async def test_a_slow_process_is_not_waited_for(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setfit_tier, "TIMEOUT", 0.2)
    async with SetFitClassifier(library).running() as classifier:
        with pytest.raises(ProviderUnavailable, match="took over"):
            await classifier.predict("slow")


async def test_nonsense_from_the_library_is_a_known_error(library: Path) -> None:
    async with SetFitClassifier(library).running() as classifier:
        with pytest.raises((ProviderGarbage, ProviderUnavailable)):
            await classifier.predict("nonsense")


async def test_a_model_that_cannot_be_loaded_says_so(library: Path) -> None:
    (library / "labels.json").unlink()
    with pytest.raises(ProviderUnavailable, match="cannot be loaded"):
        async with SetFitClassifier(library).running():
            pass
