"""Knowledge put together from folders, with the best embedder there is."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import structlog
from anyio import to_thread

from voice_agent.core.errors import ProviderUnavailable
from voice_agent.engines.embedding.minilm import load_embedder
from voice_agent.engines.embedding.vectors import SentenceEmbedder
from voice_agent.knowledge.folder import KnowledgeFolder
from voice_agent.knowledge.retrieve import Knowledge
from voice_agent.knowledge.searcher import SearchPolicy
from voice_agent.knowledge.word_vectors import WordVectors

BY_WORDS: Final = SearchPolicy(threshold=0.45, meaning=0.3)
"""For vectors that know no meaning: only questions in the documents' words are answered."""

log = structlog.get_logger(__name__)


async def open_knowledge(
    documents: Path,
    index: Path,
    cache: Path,
    *,
    samples: bool,
    threshold: float | None = None,
) -> Knowledge:
    """What is known from a folder, ready for questions as it was left; `sync` brings it up to date.

    `index` keeps the index and `cache` what is made of the embedder's weights. `threshold` (0 to
    1) is the score an answer needs, None for the usual one.
    """
    embedder = await to_thread.run_sync(partial(best_embedder, cache))
    policy = SearchPolicy() if embedder.name != WordVectors.name else BY_WORDS
    if threshold is not None:
        policy = replace(policy, threshold=threshold)
    knowledge = Knowledge(KnowledgeFolder(documents, samples=samples), index, embedder, policy)
    await knowledge.open()
    return knowledge


def best_embedder(cache: Path) -> SentenceEmbedder:
    """The sentence embedding, or words alone where its weights are not installed. Blocks."""
    try:
        return load_embedder(cache)
    except ProviderUnavailable as error:
        log.warning("knowledge.words_only", reason=str(error))
        return WordVectors()
