"""Random and mutated protocol messages: hypothesis strategies, and a fast seeded generator."""

import copy
import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import strategies as st

WEIRD: list[Any] = [
    None, True, False, 0, -1, 1.5, 10**30, "", "x", "-1", "1e9", "٣", "9" * 400, "\x00", "🙂",
    [], {}, [[]], {"a": {}}, ["x"], "A" * 5000, "====", "AAA", "AA=A", "../..", "<x>",
]  # fmt: skip


def paths(value: Any, prefix: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place inside a JSON value, the whole of it included."""
    found = [prefix]
    if isinstance(value, dict):
        for key, child in value.items():
            found += paths(child, (*prefix, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            found += paths(child, (*prefix, index))
    return found


def replaced(message: Any, path: Sequence[Any], value: Any, *, remove: bool = False) -> Any:
    """A copy with one place replaced or removed."""
    if not path:
        return value
    changed = copy.deepcopy(message)
    place = changed
    for step in path[:-1]:
        place = place[step]
    if remove:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return changed


def mutate(chance: random.Random, messages: Sequence[Any]) -> str:
    """One valid message with something wrong about it, or nothing at all."""
    message = chance.choice(messages)
    kind = chance.randrange(6)
    if kind < 3:
        path = chance.choice(paths(message))
        remove = kind == 0 and bool(path)
        message = replaced(message, path, chance.choice(WEIRD), remove=remove)
    text = json.dumps(message, ensure_ascii=chance.random() < 0.5)
    if kind == 3:
        return text[: chance.randrange(len(text))]
    if kind == 4:
        return text + chance.choice(["}", text, " ", "\x00", "{"])
    return text


def garbage(chance: random.Random) -> str | bytes:
    """Text or bytes of no meaning."""
    size = int(chance.paretovariate(0.8)) % 2000
    if chance.random() < 0.4:
        return chance.randbytes(size)
    alphabet = '{}[]":,0123456789abceﬂ🙂\x00\\ntuef '
    return "".join(chance.choice(alphabet) for _ in range(size))


def hostile(seed: int, count: int, messages: Sequence[Any]) -> Iterator[str | bytes]:
    """`count` messages: two thirds mutated or whole, one third garbage; the seed repeats them."""
    chance = random.Random(seed)
    for _ in range(count):
        yield garbage(chance) if chance.random() < 0.33 else mutate(chance, messages)


json_values = st.sampled_from(WEIRD) | st.text(max_size=20) | st.integers() | st.binary().map(str)


def mutated(messages: Sequence[Any]) -> st.SearchStrategy[str]:
    """A valid message with one place replaced by some JSON, or removed, or cut anywhere."""
    places = [(message, path) for message in messages for path in paths(message)]
    return st.builds(
        _mutated, st.sampled_from(places), json_values, st.integers(0, 3), st.floats(0, 1)
    )


def _mutated(place: tuple[Any, tuple[Any, ...]], value: Any, kind: int, cut: float) -> str:
    message, path = place
    text = json.dumps(replaced(message, path, value, remove=kind == 0 and bool(path)))
    return text[: int(cut * len(text))] if kind == 1 else text
