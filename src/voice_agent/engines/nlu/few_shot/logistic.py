"""Multinomial logistic regression with a ridge, solved among the examples.

With more features than examples the weights are sums of examples, so that the unknowns are
one number per example and class, and a fit of two thousand examples takes a second.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]

CONSTANT: Final = np.float32(0.3)
"""Square of the feature that every example has: the ridge on the intercept is mild."""
_STEPS: Final = 120


def fit(alike: Floats, labels: Labels, classes: int, ridge: float) -> Floats:
    """Shares (examples, classes) of the examples in the weights of each class.

    `alike` (examples, examples) holds the dot products of their features, the constant one
    included. Classes with few examples weigh more, by the root of their share.
    """
    weights = _weights(labels, classes)[:, None]
    target = np.eye(classes, dtype=np.float32)[labels]
    step = np.float32(1 / (0.5 * _largest(alike) * float(weights.max()) + ridge))
    shares: Floats = np.zeros((len(labels), classes), np.float32)
    ahead, pace = shares, 1.0
    for _ in range(_STEPS):
        slope = (softmax(alike @ ahead) - target) * weights + np.float32(ridge) * ahead
        after: Floats = (ahead - step * slope).astype(np.float32)
        next_pace = (1 + (1 + 4 * pace**2) ** 0.5) / 2
        push: Floats = (after - shares) * np.float32((pace - 1) / next_pace)
        ahead = after + push
        shares, pace = after, next_pace
    return shares


def softmax(scores: Floats) -> Floats:
    """Probabilities (rows sum to 1) of scores."""
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    chances: Floats = powers / powers.sum(axis=1, keepdims=True)
    return chances


def _weights(labels: Labels, classes: int) -> Floats:
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)
    weights = np.sqrt(1 / counts)[labels]
    scaled: Floats = (weights / weights.mean()).astype(np.float32)
    return scaled


def _largest(alike: Floats) -> float:
    """The largest eigenvalue, by repeated products."""
    direction = np.ones(len(alike), np.float32)
    for _ in range(20):
        direction = alike @ direction
        direction = direction / np.linalg.norm(direction)
    return float(direction @ (alike @ direction)) * 1.01
