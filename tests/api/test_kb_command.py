"""Documents from the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from voice_agent.cli import app
from voice_agent.knowledge import assembly
from voice_agent.knowledge.word_vectors import WordVectors


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOICE_AGENT_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(assembly, "best_embedder", lambda _cache: WordVectors())


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["kb", *words])
    assert result.exit_code == code, result.output
    return result.output


def test_the_sample_documents_answer_at_once() -> None:
    told = json.loads(run("ask", "do gift cards expire", "--json"))
    assert told["answered"]
    assert told["answer"].startswith("Gift cards never expire")
    assert told["passages"][0].keys() == {"text", "source", "title", "position", "score"}
    assert told["passages"][0]["source"] == "gift-cards.md"


def test_what_is_not_there_is_not_known() -> None:
    told = json.loads(run("ask", "who won the football game", "--json"))
    assert (told["answered"], told["answer"], told["passages"]) == (False, None, [])
    assert "I don't know that" in run("ask", "who won the football game")


def test_own_documents_take_the_samples_place(tmp_path: Path) -> None:
    good, bad = tmp_path / "kayaks.md", tmp_path / "bad.json"
    good.write_text("# Kayaks\n\nA kayak costs 900 dollars.")
    bad.write_text("{")
    shown = run("add", str(good), str(bad), str(tmp_path / "missing.md"), code=1)
    assert "kayaks.md: 1 pieces" in shown
    assert "bad.json: it is not JSON in line 1" in shown
    assert "missing.md: it cannot be opened" in shown
    listed = run("list")
    assert "kayaks.md" in listed
    assert "gift-cards.md" not in listed
    assert "A kayak costs 900 dollars." in run("ask", "what does a kayak cost")


def test_the_index_is_brought_in_step(tmp_path: Path) -> None:
    assert "12 added" in run("reindex")
    assert "12 unchanged; 0 pieces embedded" in run("reindex")
    folder = tmp_path / "data" / "knowledge"
    folder.mkdir(parents=True)
    (folder / "bad\nname.txt").write_text("hello")
    shown = run("reindex")
    assert "12 removed" in shown
    assert "bad�name.txt: its name" in shown
