"""The models that come with a language, or the operator's own in their place."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import structlog

from voice_agent.core.errors import ProviderUnavailable
from voice_agent.engines.embedding.minilm import load_embedder
from voice_agent.engines.embedding.vectors import SentenceEmbedder
from voice_agent.engines.nlu.few_shot.examples import Example
from voice_agent.engines.nlu.few_shot.model import FewShotModel, load, save
from voice_agent.engines.nlu.few_shot.training import train
from voice_agent.engines.nlu.language import Language, load_language

log = structlog.get_logger(__name__)

MODEL: Final = "few_shot"
WORDS_MODEL: Final = "few_shot_words"
"""The model for a machine without the embedding's weights: words and letters alone."""


def load_few_shot(
    cache_dir: Path, language: Language | None = None, folder: Path | None = None
) -> FewShotModel:
    """The model of `folder` (made by `voice-agent nlu train`), else the language's own.

    Raises:
        ConfigurationError: it cannot be read, or was taught with another embedding.
    """
    embedder = embedder_if_any(cache_dir)
    place = folder or (language or load_language()).folder
    return FewShotModel(load(place, MODEL if embedder else WORDS_MODEL), embedder)


def teach(
    examples: Sequence[Example], embedder: SentenceEmbedder | None, folder: Path
) -> FewShotModel:
    """Write both models of the examples into a folder; returns the better one.

    Raises:
        ConfigurationError: the examples do not make a model.
        OSError: the folder cannot be written.
    """
    best = train(examples, None)
    save(best.knowledge, folder, WORDS_MODEL)
    if embedder is not None:
        best = train(examples, embedder)
        save(best.knowledge, folder, MODEL)
    return best


def embedder_if_any(cache_dir: Path) -> SentenceEmbedder | None:
    """The sentence embedding, or None where its weights are missing, which is logged."""
    try:
        return load_embedder(cache_dir)
    except ProviderUnavailable as error:
        log.warning("embedding.missing", why=str(error))
        return None
