"""A folder kept in step with its index, and questions to it."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.documents import CountingEmbedder
from voice_agent.core.errors import NotFoundError, StorageError
from voice_agent.engines.embedding.vectors import unit
from voice_agent.knowledge.document import DocumentRefused
from voice_agent.knowledge.excerpt import LONGEST, excerpt
from voice_agent.knowledge.folder import SAMPLES, KnowledgeFolder
from voice_agent.knowledge.fusion import fused
from voice_agent.knowledge.index import FaissIndex, NumpyIndex
from voice_agent.knowledge.lexical import LexicalIndex
from voice_agent.knowledge.retrieve import Knowledge
from voice_agent.knowledge.searcher import SearchPolicy
from voice_agent.knowledge.words import search_words

pytestmark = pytest.mark.anyio

POLICY = SearchPolicy(threshold=0.3, meaning=0.5)


async def opened(folder: Path, embedder: CountingEmbedder, *, samples: bool = False) -> Knowledge:
    documents = KnowledgeFolder(folder / "documents", samples=samples)
    knowledge = Knowledge(documents, folder / "index", embedder, POLICY)
    await knowledge.open()
    return knowledge


def shop(folder: Path) -> Path:
    documents = folder / "documents"
    documents.mkdir()
    (documents / "returns.md").write_text("# Returns\n\nReturn boots within 45 days.")
    (documents / "shipping.md").write_text("# Shipping\n\nExpress shipping costs 15 dollars.")
    return documents


async def test_a_question_finds_its_passage_with_source_title_and_place(tmp_path: Path) -> None:
    shop(tmp_path)
    knowledge = await opened(tmp_path, CountingEmbedder())
    report = await knowledge.sync()
    assert (report.added, report.embedded) == (("returns.md", "shipping.md"), 2)
    found = await knowledge.search("How much is express shipping?")
    passage = found.passages[0]
    assert (passage.source, passage.title, passage.position) == ("shipping.md", "Shipping", 0)
    assert found.answer == passage.text == "Express shipping costs 15 dollars."
    assert POLICY.threshold <= passage.score <= 1


async def test_what_is_not_in_the_documents_is_not_answered(tmp_path: Path) -> None:
    shop(tmp_path)
    knowledge = await opened(tmp_path, CountingEmbedder())
    await knowledge.sync()
    for question in ("do you sell washing machines", "", "?!", "the of and", "🙂", "x" * 20_000):
        assert (await knowledge.search(question)).passages == ()


async def test_an_unchanged_file_is_not_embedded_again(tmp_path: Path) -> None:
    documents = shop(tmp_path)
    first = CountingEmbedder()
    await (await opened(tmp_path, first)).sync()
    assert len(first.texts) == 2
    again = CountingEmbedder()
    knowledge = await opened(tmp_path, again)
    report = await knowledge.sync()
    assert (report.unchanged, report.changes, again.texts) == (2, False, [])
    (documents / "returns.md").write_text("# Returns\n\nReturn boots within 60 days.")
    report = await knowledge.sync()
    assert (report.changed, report.embedded) == (("returns.md",), 1)
    assert "60 days" in (await knowledge.search("return boots days")).answer


async def test_a_deleted_file_is_gone(tmp_path: Path) -> None:
    documents = shop(tmp_path)
    knowledge = await opened(tmp_path, CountingEmbedder())
    await knowledge.sync()
    assert (await knowledge.search("express shipping")).passages
    (documents / "shipping.md").unlink()
    report = await knowledge.sync()
    assert report.removed == ("shipping.md",)
    assert not (await knowledge.search("express shipping")).passages
    later = await opened(tmp_path, CountingEmbedder())
    assert [file.source for file in later.files()] == ["returns.md"]


async def test_a_renamed_file_keeps_its_vectors(tmp_path: Path) -> None:
    documents = shop(tmp_path)
    embedder = CountingEmbedder()
    knowledge = await opened(tmp_path, embedder)
    await knowledge.sync()
    (documents / "shipping.md").rename(documents / "delivery.md")
    report = await knowledge.sync()
    assert (report.added, report.removed, report.embedded) == (
        ("delivery.md",),
        ("shipping.md",),
        0,
    )


@pytest.mark.parametrize("damage", ["manifest", "arrays", "cut", "missing", "shape"])
async def test_a_damaged_index_is_made_anew(tmp_path: Path, damage: str) -> None:
    shop(tmp_path)
    await (await opened(tmp_path, CountingEmbedder())).sync()
    (arrays,) = (tmp_path / "index").glob("index-*.npz")
    manifest = tmp_path / "index" / "index.json"
    if damage == "manifest":
        manifest.write_bytes(manifest.read_bytes()[:-20])
    elif damage == "arrays":
        data = bytearray(arrays.read_bytes())
        data[len(data) // 4] ^= 0xFF
        arrays.write_bytes(data)
    elif damage == "cut":
        arrays.write_bytes(arrays.read_bytes()[:500])
    elif damage == "missing":
        arrays.unlink()
    else:
        manifest.write_text('{"format": 1, "embedder": "words-1", "files": 7}')
    embedder = CountingEmbedder()
    knowledge = await opened(tmp_path, embedder)
    await knowledge.sync()
    assert len(embedder.texts) == 2
    assert (await knowledge.search("express shipping")).passages


async def test_the_index_of_another_embedder_is_not_used(tmp_path: Path) -> None:
    shop(tmp_path)
    await (await opened(tmp_path, CountingEmbedder())).sync()
    other = CountingEmbedder()
    other.name = "another"
    await (await opened(tmp_path, other)).sync()
    assert len(other.texts) == 2


async def test_one_index_is_kept_and_no_half_written_one(tmp_path: Path) -> None:
    documents = shop(tmp_path)
    knowledge = await opened(tmp_path, CountingEmbedder())
    for number in range(3):
        (documents / "more.txt").write_text(f"Number {number} is a number.")
        await knowledge.sync()
    names = sorted(path.name[:6] for path in (tmp_path / "index").iterdir())
    assert names == ["index-", "index."]


async def test_samples_stand_in_for_an_empty_folder_only(tmp_path: Path) -> None:
    knowledge = await opened(tmp_path, CountingEmbedder(), samples=True)
    await knowledge.sync()
    assert {file.source for file in knowledge.files()} == {path.name for path in SAMPLES.iterdir()}
    assert not [file for file in knowledge.files() if file.refused]
    await knowledge.add("mine.txt", b"We sell maps.")
    assert [file.source for file in knowledge.files()] == ["mine.txt"]
    with pytest.raises(NotFoundError):
        await knowledge.remove("returns.md")


async def test_a_refused_upload_leaves_everything_as_it_was(tmp_path: Path) -> None:
    knowledge = await opened(tmp_path, CountingEmbedder())
    await knowledge.add("good.txt", b"We sell maps.")
    for name, data in (("good.txt", b""), ("bad.json", b"{"), ("../up.txt", b"hello")):
        with pytest.raises(DocumentRefused):
            await knowledge.add(name, data)
    assert [path.name for path in (tmp_path / "documents").iterdir()] == ["good.txt"]
    assert (await knowledge.search("maps")).answer == "We sell maps."
    await knowledge.remove("good.txt")
    assert not knowledge.files()
    with pytest.raises(NotFoundError):
        await knowledge.remove("good.txt")


async def test_an_index_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    shop(tmp_path)
    knowledge = await opened(tmp_path, CountingEmbedder())
    (tmp_path / "index").write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="knowledge index"):
        await knowledge.sync()


async def test_words_that_become_the_question_are_searched_beforehand(tmp_path: Path) -> None:
    shop(tmp_path)
    embedder = CountingEmbedder()
    knowledge = await opened(tmp_path, embedder)
    await knowledge.sync()
    embedder.texts.clear()
    await knowledge.prefetch("how")
    await knowledge.prefetch("how much is express shipping")
    await knowledge.prefetch("how much is express shipping")
    assert len(embedder.texts) == 1
    assert (await knowledge.search("How much is express shipping?")).passages
    assert len(embedder.texts) == 1


async def test_a_remembered_answer_is_forgotten_with_its_document(tmp_path: Path) -> None:
    documents = shop(tmp_path)
    knowledge = await opened(tmp_path, CountingEmbedder())
    await knowledge.sync()
    await knowledge.prefetch("how much is express shipping")
    (documents / "shipping.md").write_text("# Shipping\n\nExpress shipping costs 20 dollars.")
    await knowledge.sync()
    assert "20 dollars" in (await knowledge.search("how much is express shipping")).answer


async def test_searches_go_on_while_the_index_is_brought_in_step(tmp_path: Path) -> None:
    documents = shop(tmp_path)
    knowledge = await opened(tmp_path, CountingEmbedder())
    await knowledge.sync()
    for number in range(40):
        (documents / f"more-{number}.txt").write_text(f"Fact {number} about something else.")
    found: list[bool] = []

    async def asking() -> None:
        for number in range(20):
            answer = await knowledge.search(f"how much is express shipping {number}")
            found.append(bool(answer.passages))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(asking)
        tasks.start_soon(_ignoring_result, knowledge.sync)
    assert found == [True] * 20
    assert len(knowledge.files()) == 42


async def _ignoring_result(job: Callable[[], Awaitable[object]]) -> None:
    await job()


async def test_passages_that_say_the_same_can_give_way_to_others(tmp_path: Path) -> None:
    folder = tmp_path / "documents"
    folder.mkdir()
    for name in ("a", "b"):
        (folder / f"{name}.txt").write_text("Express shipping costs 15 dollars.")
    (folder / "c.txt").write_text("Express shipping takes two working days.")
    policy = SearchPolicy(threshold=0.1, meaning=0.5, beside=0.1, diversity=0.6)
    documents = KnowledgeFolder(folder, samples=False)
    knowledge = Knowledge(documents, tmp_path / "index", CountingEmbedder(), policy)
    await knowledge.sync()
    found = await knowledge.search("express shipping costs", 2)
    assert {passage.source for passage in found.passages} == {"a.txt", "c.txt"}


@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_faiss_and_numpy_find_the_same(count: int, k: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    vectors = unit(random.standard_normal((count, 16)))
    query = unit(random.standard_normal((1, 16)))[0]
    by_faiss = FaissIndex(vectors).search(query, k)
    by_numpy = NumpyIndex(vectors).search(query, k)
    assert [row for row, _ in by_faiss] == [row for row, _ in by_numpy]
    assert [cosine for _, cosine in by_faiss] == pytest.approx([c for _, c in by_numpy], abs=1e-5)


def test_rare_words_count_more_than_common_ones() -> None:
    index = LexicalIndex.of(["the tent is green", "the kayak is green", "the boot is green", "red"])
    assert index.search("green kayak", 2)[0] == 1
    assert index.search("nothing of this", 3) == []
    assert index.search("", 3) == []
    assert LexicalIndex.of([]).search("green", 3) == []
    assert index.coverage("green kayak")("a green kayak") == 1.0
    assert index.coverage("green kayak")("a green boot") < 0.5
    assert index.coverage("the of")("a green boot") == 0.0


def test_words_are_found_in_every_form() -> None:
    assert len({*search_words("return returns returned returning")}) == 1
    assert list(search_words("What's the size of it?")) == list(search_words("sizes"))


@given(
    st.lists(st.tuples(st.floats(0.1, 3), st.lists(st.integers(0, 20), unique=True)), max_size=4)
)
def test_fused_rankings_hold_every_entry_once(rankings: list[tuple[float, list[int]]]) -> None:
    result = fused(rankings)
    assert sorted(result) == sorted({entry for _, ranking in rankings for entry in ranking})


def test_what_is_first_in_both_rankings_is_first() -> None:
    assert fused([(1.0, [3, 1, 2]), (1.0, [3, 2, 1])]) == [3, 1, 2]


@given(st.text(max_size=2000), st.text(max_size=100))
def test_an_excerpt_is_bounded(text: str, query: str) -> None:
    assert len(excerpt(text, query, LexicalIndex.of([text]))) <= LONGEST


def test_an_excerpt_is_the_sentences_that_answer() -> None:
    text = (
        "We check a return within three working days of its arrival and send you an email. "
        "The refund goes to the card or account you paid with, and the bank needs up to five more "
        "working days. If you paid with a gift card you get a new gift card by email."
    )
    lexical = LexicalIndex.of([text, "something else"])
    assert excerpt(text, "refund with a gift card", lexical).endswith("gift card by email.")
    assert excerpt("Short.", "anything", lexical) == "Short."
