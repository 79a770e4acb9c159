"""Search over many pieces, indexing of many files, and how FAISS compares with numpy.

`python -m benchmarks.knowledge [--pieces 100000] [--files 1000]`
"""

import argparse
import json
import os
import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import anyio
import numpy as np

from voice_agent.engines.embedding.minilm import load_embedder
from voice_agent.engines.embedding.vectors import SentenceEmbedder, unit
from voice_agent.knowledge.chunking import Chunk
from voice_agent.knowledge.corpus import Corpus, KnownFile
from voice_agent.knowledge.folder import KnowledgeFolder
from voice_agent.knowledge.index import FaissIndex, NumpyIndex
from voice_agent.knowledge.retrieve import Knowledge
from voice_agent.knowledge.searcher import SearchPolicy, find
from voice_agent.knowledge.store import KnowledgeStore

T = TypeVar("T")

RESULTS = Path(__file__).parent / "results"
WORDS = 20_000
"""Different words of the made up texts; how often each comes falls off as in real ones."""
QUESTIONS = 60


@dataclass(frozen=True, slots=True)
class Figures:
    """Times in ms unless said otherwise."""

    pieces: int
    embed_p50: float
    faiss_p50: float
    numpy_p50: float
    numpy_to_faiss: float
    words_p50: float
    search_p50: float
    search_p95: float
    save_s: float
    load_s: float
    files: int
    first_index_s: float
    unchanged_s: float


def timed(job: Callable[[T], object], inputs: Iterable[T]) -> list[float]:
    """How long a job takes for each input, in order of time."""
    taken = []
    for one in inputs:
        began = time.perf_counter()
        job(one)
        taken.append(1000 * (time.perf_counter() - began))
    return sorted(taken)


def p50(job: Callable[[T], object], inputs: Iterable[T]) -> float:
    """The middle one."""
    return round(statistics.median(timed(job, inputs)), 2)


def made_up(pieces: int, seed: int = 1) -> tuple[Corpus, list[str]]:
    """A corpus of made up texts, and questions of words that are in it."""
    chance = random.Random(seed)
    words = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in range(400)][:WORDS]
    shares = [1 / (rank + 2) for rank in range(len(words))]
    texts = [" ".join(chance.choices(words, shares, k=45)) for _ in range(pieces)]
    files = [
        KnownFile(f"{at}.txt", str(at), 1, tuple(Chunk(text, "") for text in texts[at : at + 100]))
        for at in range(0, pieces, 100)
    ]
    noise = np.random.default_rng(seed).standard_normal((pieces, 384), dtype=np.float32)
    questions = [
        "what about " + " ".join(chance.choices(words, shares, k=8)) for _ in range(QUESTIONS)
    ]
    return Corpus.of(files, unit(noise)), questions


def search_figures(embedder: SentenceEmbedder, pieces: int, folder: Path) -> dict[str, float]:
    """Each part of a search alone, and all of them together."""
    corpus, questions = made_up(pieces)
    vectors = [embedder.embed([question])[0] for question in questions]
    by_faiss, by_numpy = FaissIndex(corpus.vectors), NumpyIndex(corpus.vectors)
    policy = SearchPolicy(threshold=0.0)

    def whole(question: str) -> object:
        return find(corpus, question, embedder.embed([question])[0], 3, policy)

    whole(questions[0])
    searches = timed(whole, questions)
    faiss = p50(lambda vector: by_faiss.search(vector, 24), vectors)
    numpy = p50(lambda vector: by_numpy.search(vector, 24), vectors)
    store = KnowledgeStore(folder, embedder.name, embedder.dimension)
    (save,) = timed(store.save, [corpus])
    (load,) = timed(lambda _: store.load(), [None])
    return {
        "embed_p50": p50(lambda question: embedder.embed([question]), questions),
        "faiss_p50": faiss,
        "numpy_p50": numpy,
        "numpy_to_faiss": round(numpy / faiss, 2),
        "words_p50": p50(lambda question: corpus.lexical.search(question, 24), questions),
        "search_p50": round(statistics.median(searches), 2),
        "search_p95": round(searches[int(len(searches) * 0.95)], 2),
        "save_s": round(save / 1000, 2),
        "load_s": round(load / 1000, 2),
    }


def index_figures(embedder: SentenceEmbedder, files: int, folder: Path) -> dict[str, float]:
    """A folder indexed for the first time, and again without any change."""
    documents = folder / "documents"
    documents.mkdir(parents=True)
    for number in range(files):
        text = f"# Product {number}\n\nProduct {number} costs {number} dollars and is green.\n"
        (documents / f"product-{number}.md").write_text(text * 3)

    async def run() -> tuple[float, float]:
        place = KnowledgeFolder(documents, samples=False)
        knowledge = Knowledge(place, folder / "index", embedder)
        began = time.perf_counter()
        await knowledge.sync()
        first = time.perf_counter() - began
        again = Knowledge(place, folder / "index", embedder)
        began = time.perf_counter()
        await again.open()
        report = await again.sync()
        if report.unchanged != files:
            raise SystemExit("the index was not kept")
        return first, time.perf_counter() - began

    first, unchanged = anyio.run(run)
    return {"first_index_s": round(first, 2), "unchanged_s": round(unchanged, 2)}


def main() -> None:
    """Measure, print and keep the figures."""
    parser = argparse.ArgumentParser(prog="benchmarks.knowledge", description=__doc__)
    parser.add_argument("--pieces", type=int, default=100_000)
    parser.add_argument("--files", type=int, default=1000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        embedder = load_embedder(folder)
        figures = Figures(
            pieces=arguments.pieces,
            files=arguments.files,
            **search_figures(embedder, arguments.pieces, folder / "search"),
            **index_figures(embedder, arguments.files, folder / "files"),
        )
    for key, value in asdict(figures).items():
        print(f"{key:>16} {value}")
    machine = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_after": os.getloadavg()[0],
    }
    RESULTS.mkdir(exist_ok=True)
    told = json.dumps({"machine": machine, "figures": asdict(figures)}, indent=2)
    (RESULTS / "knowledge.json").write_text(told + "\n")


if __name__ == "__main__":
    main()
