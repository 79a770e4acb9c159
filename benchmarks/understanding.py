"""How fast and how right the few-shot tier is.

`python -m benchmarks.understanding [FILE.jsonl]`
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from voice_agent.engines.embedding.minilm import load_embedder
from voice_agent.engines.nlu.few_shot.examples import OUT_OF_SCOPE, shipped_examples
from voice_agent.engines.nlu.few_shot.model import FewShotModel
from voice_agent.engines.nlu.few_shot.shipped import load_few_shot
from voice_agent.engines.nlu.few_shot.training import train
from voice_agent.engines.nlu.language import load_language

TEST = Path(__file__).parents[1] / "tests" / "data" / "intents_test.jsonl"


def timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def spread(milliseconds: Sequence[float]) -> str:
    """Median and 95th percentile."""
    return f"p50 {np.median(milliseconds):.2f} ms, p95 {np.quantile(milliseconds, 0.95):.2f} ms"


def accuracy(model: FewShotModel, rows: Sequence[dict[str, str]]) -> str:
    """The three figures that the targets are about."""
    outcomes = [(row["intent"], model.predict(row["text"]).intent) for row in rows]
    right = float(np.mean([meant == said for meant, said in outcomes]))
    strange = [said == OUT_OF_SCOPE for meant, said in outcomes if meant == OUT_OF_SCOPE]
    inside = [said == OUT_OF_SCOPE for meant, said in outcomes if meant != OUT_OF_SCOPE]
    return (
        f"accuracy {right:.1%}, out of scope noticed {np.mean(strange):.1%}, "
        f"in scope turned away {np.mean(inside):.1%} of {len(rows)} utterances"
    )


def main() -> None:
    """Measure and print."""
    file = Path(sys.argv[1]) if len(sys.argv) > 1 else TEST
    rows = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    texts = [row["text"] for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        print(f"first load, graph written: {timed(lambda: load_embedder(cache)):.0f} ms")
        load_embedder.cache_clear()
        print(f"load from the cache: {timed(lambda: load_embedder(cache)):.0f} ms")
        embedder, model = load_embedder(cache), load_few_shot(cache)
        print("embedding:", spread([timed(lambda t=t: embedder.embed([t])) for t in texts]))  # type: ignore[misc]
        print("prediction:", spread([timed(lambda t=t: model.predict(t)) for t in texts]))  # type: ignore[misc]
        examples = shipped_examples(load_language())
        print(f"teaching {len(examples)}: {timed(lambda: train(examples, embedder)):.0f} ms")
        print(accuracy(model, rows))


if __name__ == "__main__":
    main()
