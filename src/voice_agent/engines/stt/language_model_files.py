"""Builds the recogniser's language model once and keeps it in a cache folder.

The folder's name is a hash of everything the model is made of, so a changed template or
business term makes a new one and an old one is never mistaken for it. It is built beside
its place and renamed into it: two processes may build at once, and nobody sees half a model.
"""

import contextlib
import hashlib
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

import orjson

from voice_agent.core.errors import ConfigurationError
from voice_agent.core.speech import Expectation
from voice_agent.engines.stt import utterance_templates
from voice_agent.engines.stt.domain_language_model import (
    LanguageModelTables,
    Recipe,
    arpa,
    build,
    listened_for,
    narrow,
    sentences,
)
from voice_agent.engines.stt.general_language_model import read
from voice_agent.engines.stt.ngram_counts import END, START
from voice_agent.engines.stt.pronunciations import dictionary, guess, read_lexicon
from voice_agent.engines.stt.spoken_values import ENGLISH

KEPT: Final = 6
"""Models that stay in the cache."""
LAYOUT: Final = 2
"""Raised when the files or the way they are made change."""
ANSWERS: Final[Mapping[Expectation, Mapping[str, float]]] = {
    Expectation.YES_NO: {"affirm": 5, "deny": 5},
    Expectation.DIGITS: {"order_id": 5, "digits": 5, "rating": 1},
    Expectation.DATE_TIME: {"date_time": 10},
    Expectation.NAME: {"name": 10},
}
"""What is said when the agent has asked, by group and weight."""
BESIDES: Final[Mapping[str, float]] = {"wait": 1, "repeat": 0.5, "deny": 0.5, "affirm": 0.5}
"""What is said instead of an answer, whatever was asked."""
UNWANTED: Final = frozenset({"ok", "anytime", "alright", "alot"})
"""Second spellings of what the templates have already, and fragments."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """Where a finished model lies."""

    folder: Path

    @property
    def language_model(self) -> Path:
        """The trigram model, binary."""
        return self.folder / "domain.lm.bin"

    @property
    def dictionary(self) -> Path:
        """The words it knows and their sounds."""
        return self.folder / "domain.dict"

    @property
    def answers(self) -> dict[str, Path]:
        """Small models of the answers to each kind of question."""
        return {kind.value: self.folder / f"answer-{kind}.lm.bin" for kind in ANSWERS}


def acoustic_model() -> Path:
    """The folder with the general models that come with pocketsphinx."""
    from pocketsphinx import get_model_path

    return Path(get_model_path("en-us"))


@dataclass(frozen=True, slots=True)
class ModelPlan:
    """Everything a model is made of, and where it will lie."""

    files: ModelFiles
    source: str
    terms: tuple[str, ...]
    recipe: Recipe

    @property
    def built(self) -> bool:
        """Whether the cache has it."""
        return self.files.folder.is_dir()


def plan(
    cache: Path, language: str = "en", phrases: Sequence[str] = (), recipe: Recipe | None = None
) -> ModelPlan:
    """What the model for these business phrases is made of.

    Raises:
        ConfigurationError: the language is unknown.
    """
    recipe = recipe or Recipe()
    terms = tuple(dict.fromkeys(filter(None, map(spoken_form, phrases))))
    try:
        source = utterance_templates.source(language)
    except OSError:
        raise ConfigurationError(f"there are no utterances for language {language!r}") from None
    files = ModelFiles(cache / "language-models" / _name(source, terms, recipe))
    return ModelPlan(files, source, terms, recipe)


def prepare(
    cache: Path, language: str = "en", phrases: Sequence[str] = (), recipe: Recipe | None = None
) -> ModelFiles:
    """The model for these business phrases, built when the cache does not have it.

    Raises:
        ConfigurationError: the language is unknown or the cache cannot be written.
    """
    made = plan(cache, language, phrases, recipe)
    if not made.built:
        _build_into(made.files.folder, made.source, made.terms, made.recipe)
    return made.files


def spoken_form(phrase: str) -> str:
    """A business term as its words would be heard: lower case, letters and apostrophes."""
    kept = (c if c.isalpha() or c == "'" else " " for c in phrase.lower())
    return listened_for(" ".join("".join(kept).split()))


def _name(source: str, phrases: Sequence[str], recipe: Recipe) -> str:
    facts = [LAYOUT, version("pocketsphinx"), source, list(phrases), asdict(recipe)]
    return hashlib.sha256(orjson.dumps(facts)).hexdigest()[:20]


def _build_into(folder: Path, source: str, phrases: Sequence[str], recipe: Recipe) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".building-", dir=folder.parent))
    except OSError as error:
        raise ConfigurationError(f"the cache folder cannot be written: {error}") from None
    try:
        _write(ModelFiles(beside), source, phrases, recipe)
        # Whoever comes second finds the folder there and full; its own copy is thrown away.
        with contextlib.suppress(OSError):
            beside.rename(folder)
        _forget_old(folder.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _forget_old(folder: Path) -> None:
    """Delete all but the newest models; business terms change, and each change makes one."""
    finished = [path for path in folder.iterdir() if not path.name.startswith(".")]
    finished.sort(key=lambda path: path.stat().st_mtime, reverse=True)
    for path in finished[KEPT:]:
        shutil.rmtree(path, ignore_errors=True)


def _write(files: ModelFiles, source: str, phrases: Sequence[str], recipe: Recipe) -> None:
    models = acoustic_model()
    lexicon = read_lexicon(models / "cmudict-en-us.dict")
    general = read(models / "en-us.lm.bin")
    utterances = utterance_templates.load(source, ENGLISH)
    drawn = sentences(utterances, phrases, recipe)
    words = {word for word in _words(drawn) if word in lexicon or guess(word)}
    decent = frozenset(word for word in lexicon if not utterances.refuses(word)) - UNWANTED
    words.update(general.commonest(recipe.background_words, decent))
    known = general.restricted((START, END, *sorted(words)))
    _write_model(files.language_model, build(drawn, known, sorted(words), recipe))
    for kind, weights in ANSWERS.items():
        answers = sentences(utterances.only({**BESIDES, **weights}), (), narrow(recipe))
        words |= _words(answers)
        tables = build(answers, known, sorted(_words(answers)), narrow(recipe))
        _write_model(files.answers[kind.value], tables)
    files.dictionary.write_text(dictionary(words, lexicon), "utf-8")


def _words(drawn: Sequence[Sequence[str]]) -> set[str]:
    return {word for sentence in drawn for word in sentence}


def _write_model(path: Path, tables: LanguageModelTables) -> None:
    """Binary loads ten times faster than the text it is made from."""
    from pocketsphinx import NGramModel

    text = path.with_suffix(f".{os.getpid()}.arpa")
    text.write_text(arpa(tables), "utf-8")
    NGramModel.readfile(str(text)).write(str(path))
    text.unlink()
