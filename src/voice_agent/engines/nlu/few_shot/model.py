"""A taught model: what it knows, how it decides, and the two files it is kept in."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import cast

import numpy as np
import numpy.typing as npt

from voice_agent.core.errors import ConfigurationError
from voice_agent.engines.embedding.vectors import SentenceEmbedder
from voice_agent.engines.nlu.few_shot.examples import OUT_OF_SCOPE
from voice_agent.engines.nlu.few_shot.lexicon import Lexicon, normalised
from voice_agent.engines.nlu.few_shot.logistic import softmax

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Prediction:
    """The intent, how sure that is (0 to 1), and every intent by probability, best first."""

    intent: str
    confidence: float
    ranking: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class RejectRule:
    """When an utterance counts as out of scope although an intent is likeliest.

    `probability`: the intent's is below; `margin`: its lead over the second is below;
    `nearness`: no example in scope is that alike (cosine); `bias` is added to the score of
    out_of_scope and `sharpness` multiplies all scores, so that probabilities are honest.
    """

    probability: float = 0.0
    margin: float = 0.0
    nearness: float = -1.0
    bias: float = 0.0
    sharpness: float = 1.0

    def rejects(self, first: float, second: float, nearness: float) -> bool:
        """Whether the likeliest intent is not likely enough."""
        return first < self.probability or first - second < self.margin or nearness < self.nearness


@dataclass(frozen=True)
class Knowledge:
    """What was learned: a weight per feature and intent, and the examples in scope as vectors.

    A model for the words alone has no vectors: `vectors` (features, intents) has no rows.
    """

    intents: tuple[str, ...]
    lexicon: Lexicon
    words: Floats
    vectors: Floats
    constant: Floats
    examples: Floats
    embedder: str
    rule: RejectRule


class FewShotModel:
    """Tells what an utterance means; quick (1-2 ms) and pure but for the embedder."""

    def __init__(self, knowledge: Knowledge, embedder: SentenceEmbedder | None) -> None:
        """`embedder` is the one of the teaching, None for a model of the words alone.

        Raises:
            ConfigurationError: the knowledge was made with another embedder.
        """
        name = embedder.name if embedder else ""
        if name != knowledge.embedder:
            raise ConfigurationError(
                f"The model was taught with the embedding {knowledge.embedder or 'of words alone'}"
                f", not {name or 'without one'}; teach it again: voice-agent nlu train."
            )
        self.knowledge = knowledge
        self._embedder = embedder
        self._strange = knowledge.intents.index(OUT_OF_SCOPE)

    def predict(self, text: str) -> Prediction:
        """Never raises on any text; an empty one is out of scope."""
        plain = normalised(text)
        if not plain:
            return Prediction(OUT_OF_SCOPE, 1.0, ((OUT_OF_SCOPE, 1.0),))
        vector = self._embedder.embed([plain])[0] if self._embedder else None
        return self._decide(self._probabilities(plain, vector), self._nearness(vector))

    def _probabilities(self, plain: str, vector: Floats | None) -> Floats:
        known, rule = self.knowledge, self.knowledge.rule
        places, weights = known.lexicon.features(plain)
        scores = known.constant + weights @ known.words[places]
        if vector is not None:
            scores = scores + vector @ known.vectors
        scores[self._strange] += rule.bias
        return cast("Floats", softmax((scores * np.float32(rule.sharpness))[None])[0])

    def _nearness(self, vector: Floats | None) -> float:
        if vector is None:
            return 1.0
        # A plain product would wake the linear algebra's threads, which costs more than it saves.
        return float(np.einsum("ij,j->i", self.knowledge.examples, vector).max())

    def _decide(self, probabilities: Floats, nearness: float) -> Prediction:
        order = np.argsort(-probabilities)
        ranking = tuple((self.knowledge.intents[i], float(probabilities[i])) for i in order)
        (intent, first), (_, second) = ranking[:2]
        if intent == OUT_OF_SCOPE or not self.knowledge.rule.rejects(first, second, nearness):
            return Prediction(intent, first, ranking)
        return Prediction(OUT_OF_SCOPE, 1 - first, ranking)


def save(knowledge: Knowledge, folder: Path, name: str) -> None:
    """Write `name`.npz and `name`.json into the folder.

    Raises:
        OSError: it cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(
        folder / f"{name}.npz",
        words=knowledge.words.astype(np.float16),
        vectors=knowledge.vectors.astype(np.float16),
        constant=knowledge.constant.astype(np.float16),
        examples=knowledge.examples.astype(np.float16),
        rarity=knowledge.lexicon.rarity.astype(np.float16),
    )
    facts = {
        "embedder": knowledge.embedder,
        "intents": knowledge.intents,
        "rule": asdict(knowledge.rule),
        "grams": knowledge.lexicon.grams,
    }
    text = json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def load(folder: Path, name: str) -> Knowledge:
    """Read what `save` wrote; no code is run by it.

    Raises:
        ConfigurationError: a file is missing or damaged.
    """
    try:
        facts = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        with np.load(folder / f"{name}.npz", allow_pickle=False) as file:
            arrays = {key: file[key].astype(np.float32) for key in file.files}
        return Knowledge(
            intents=tuple(facts["intents"]),
            lexicon=Lexicon(tuple(facts["grams"]), arrays["rarity"]),
            words=arrays["words"],
            vectors=arrays["vectors"],
            constant=arrays["constant"],
            examples=arrays["examples"],
            embedder=facts["embedder"],
            rule=RejectRule(**facts["rule"]),
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise ConfigurationError(
            f"The few-shot model {folder / name} cannot be read ({error!r}); "
            "teach it again: voice-agent nlu train."
        ) from error
