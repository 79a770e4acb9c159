"""A question against a corpus: both rankings fused, what is not good enough left out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from voice_agent.core.knowledge import Findings, Passage
from voice_agent.engines.embedding.vectors import Vectors
from voice_agent.knowledge.corpus import Corpus
from voice_agent.knowledge.excerpt import excerpt
from voice_agent.knowledge.fusion import fused

_CANDIDATES: Final = 24
"""Pieces that each of the two searches proposes."""
_LOOKED_AT: Final = 12
"""Of these together, how many are read; more where more passages are wanted."""
_BY_MEANING: Final = 2.0
_BY_WORDS: Final = 1.0
"""What the two rankings weigh against each other."""
_LONGEST_QUERY: Final = 500
"""Characters of a question that are looked at."""


@dataclass(frozen=True, slots=True)
class SearchPolicy:
    """What counts as an answer.

    A piece scores `meaning` parts of its cosine and the rest for the share of the question's
    words in it. Below `threshold` for the best piece there is no answer; others must reach
    `beside` of the best one's score. `diversity` above 0 (to 1) prefers pieces that differ.
    """

    threshold: float = 0.38
    beside: float = 0.5
    meaning: float = 0.8
    diversity: float = 0.0


def find(corpus: Corpus, query: str, vector: Vectors, k: int, policy: SearchPolicy) -> Findings:
    """The passages that answer; `vector` (384,) is the query's."""
    if not corpus.size or k < 1:
        return Findings()
    asked = query[:_LONGEST_QUERY]
    near = corpus.dense.search(vector, min(_CANDIDATES, corpus.size))
    by_words = corpus.lexical.search(asked, _CANDIDATES)
    rows = fused([(_BY_MEANING, [row for row, _ in near]), (_BY_WORDS, by_words)])
    rows = rows[: max(_LOOKED_AT, 2 * k)]
    scores = _scores(corpus, rows, asked, vector, policy)
    if max(scores.values(), default=0.0) < policy.threshold:
        return Findings()
    chosen = sorted(_chosen(corpus, rows, scores, k, policy), key=lambda row: -scores[row])
    passages = tuple(_passage(corpus, row, scores[row]) for row in chosen)
    return Findings(passages, excerpt(passages[0].text, asked, corpus.lexical))


def _scores(
    corpus: Corpus, rows: Sequence[int], query: str, vector: Vectors, policy: SearchPolicy
) -> dict[int, float]:
    coverage = corpus.lexical.coverage(query)
    scores = {}
    for row, cosine in zip(rows, corpus.vectors[rows] @ vector, strict=True):
        covered = coverage(corpus.chunk(row).searchable)
        score = policy.meaning * max(0.0, float(cosine)) + (1 - policy.meaning) * covered
        scores[row] = min(1.0, score)
    return scores


def _chosen(
    corpus: Corpus, rows: Sequence[int], scores: dict[int, float], k: int, policy: SearchPolicy
) -> list[int]:
    """The best by their fused rank, or each time the one that adds most to those before."""
    least = policy.beside * max(scores.values())
    left = [row for row in rows if scores[row] >= least]
    if policy.diversity <= 0:
        return left[:k]
    chosen: list[int] = []
    while left and len(chosen) < k:
        chosen.append(max(left, key=lambda row: _added(corpus, row, chosen, scores, policy)))
        left.remove(chosen[-1])
    return chosen


def _added(
    corpus: Corpus, row: int, chosen: Sequence[int], scores: dict[int, float], policy: SearchPolicy
) -> float:
    alike = max((float(corpus.vectors[row] @ corpus.vectors[one]) for one in chosen), default=0.0)
    return (1 - policy.diversity) * scores[row] - policy.diversity * alike


def _passage(corpus: Corpus, row: int, score: float) -> Passage:
    file, position = corpus.place(row)
    one = file.chunks[position]
    return Passage(one.text, file.source, one.title, position, round(score, 4))
