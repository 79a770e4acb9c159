"""What the business knows: a folder kept in step with its index, and questions to it."""

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import anyio
from anyio import CapacityLimiter, to_thread

from voice_agent.core.errors import NotFoundError
from voice_agent.core.knowledge import Findings
from voice_agent.engines.embedding.vectors import SentenceEmbedder
from voice_agent.knowledge.corpus import Corpus, KnownFile
from voice_agent.knowledge.folder import KnowledgeFolder
from voice_agent.knowledge.ingest import Progress, SyncReport, sync
from voice_agent.knowledge.searcher import SearchPolicy, find
from voice_agent.knowledge.store import KnowledgeStore

T = TypeVar("T")

MOST_PASSAGES: Final = 10
_REMEMBERED: Final = 64
"""Questions whose answers are kept for the case that they are asked again at once."""
_SEARCHES_AT_ONCE: Final = 2
_SHORTEST: Final = 8
"""Characters from which unfinished words are worth a search."""


class Knowledge:
    """Answers from documents; satisfies `KnowledgeSearch`.

    Work that blocks is done in threads; a search sees the corpus as it was when it began.
    """

    def __init__(
        self,
        folder: KnowledgeFolder,
        index: Path,
        embedder: SentenceEmbedder,
        policy: SearchPolicy | None = None,
    ) -> None:
        """`index` is the folder of the index; nothing is read before `open`."""
        self._folder, self._embedder = folder, embedder
        self._policy = policy or SearchPolicy()
        self._store = KnowledgeStore(index, embedder.name, embedder.dimension)
        self._corpus = Corpus.empty(embedder.dimension)
        self._answers: OrderedDict[tuple[str, int], Findings] = OrderedDict()
        self._searching = CapacityLimiter(_SEARCHES_AT_ONCE)
        self._working = CapacityLimiter(1)
        self._changing = anyio.Lock()

    async def open(self) -> None:
        """Load the index as it was left; questions can be asked from then on."""
        self._use(await self._work(self._store.load))

    async def sync(self, progress: Progress = lambda _done, _of, _what: None) -> SyncReport:
        """Bring the index in step with the folder.

        Raises:
            StorageError: the index cannot be written.
        """
        async with self._changing:
            return await self._sync(progress)

    async def search(self, query: str, k: int = 3) -> Findings:
        """At most `k` passages good enough to answer from; empty when there are none."""
        count = max(1, min(k, MOST_PASSAGES))
        key = (_normal(query), count)
        if key[0] and key in self._answers:
            self._answers.move_to_end(key)
            return self._answers[key]
        return await self._find(key, query) if key[0] else Findings()

    async def prefetch(self, text: str) -> None:
        """Search for words that may become the question, so that its answer is there at once."""
        if len(_normal(text)) >= _SHORTEST:
            await self.search(text)

    def files(self) -> tuple[KnownFile, ...]:
        """Every file of the folder, refused ones too, in order."""
        return self._corpus.files

    async def add(self, name: str, data: bytes) -> SyncReport:
        """Put a file into the folder (over one of the same name) and bring the index in step.

        Raises:
            DocumentRefused: it cannot be read, or has no proper name; nothing was kept.
            StorageError: it cannot be written.
        """
        async with self._changing:
            await self._work(partial(self._folder.add, name, data))
            return await self._sync()

    async def remove(self, source: str) -> SyncReport:
        """Delete a file from the folder and the index.

        Raises:
            NotFoundError: there is no such file.
            StorageError: it cannot be deleted.
        """
        async with self._changing:
            if not any(file.source == source for file in self._corpus.files):
                raise NotFoundError("There is no document with this name.")
            await self._work(partial(self._folder.remove, source))
            return await self._sync()

    async def _sync(self, progress: Progress = lambda _done, _of, _what: None) -> SyncReport:
        before = self._corpus
        path = await self._work(self._folder.current)
        corpus, report = await self._work(partial(sync, path, before, self._embedder, progress))
        if corpus is not before:
            await self._work(partial(self._store.save, corpus))
            self._use(corpus)
        return report

    async def _find(self, key: tuple[str, int], query: str) -> Findings:
        corpus = self._corpus
        findings = await to_thread.run_sync(
            self._look, corpus, query, key[1], limiter=self._searching
        )
        if corpus is self._corpus:
            self._answers[key] = findings
            while len(self._answers) > _REMEMBERED:
                self._answers.popitem(last=False)
        return findings

    def _look(self, corpus: Corpus, query: str, k: int) -> Findings:
        if not corpus.size:
            return Findings()
        vector = self._embedder.embed([query[:1000]])[0]
        return find(corpus, query, vector, k, self._policy)

    def _use(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._answers.clear()

    async def _work(self, job: Callable[[], T]) -> T:
        return await to_thread.run_sync(job, limiter=self._working)


def _normal(text: str) -> str:
    """One form for words that mean the same question, however they end or are written."""
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())
