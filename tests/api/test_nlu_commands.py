"""Measuring understanding and deciding about proposals at the command line."""

from pathlib import Path

import anyio
import orjson
import pytest
from typer.testing import CliRunner, Result

from support.storage import NOW
from voice_agent.cli_nlu import nlu
from voice_agent.config import load_settings
from voice_agent.core.errors import NotFoundError
from voice_agent.core.understanding import Intent
from voice_agent.engines.nlu.rasa_export import FOLDER
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.repositories.understanding import (
    Proposal,
    ProposalStatus,
    SqlNluProposals,
)


@pytest.fixture(autouse=True)
def _own_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("VOICE_AGENT_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(nlu, list(arguments))


def propose(text: str, intent: Intent) -> None:
    async def proposed() -> None:
        async with Database(load_settings().database) as database:
            await SqlNluProposals(database).propose(text, intent, 0.8, NOW)

    anyio.run(proposed)


def with_status(status: ProposalStatus) -> tuple[Proposal, ...]:
    async def found() -> tuple[Proposal, ...]:
        async with Database(load_settings().database) as database:
            return await SqlNluProposals(database).with_status(status)

    return anyio.run(found)


def test_a_file_is_judged_and_its_mistakes_are_named(tmp_path: Path) -> None:
    rows = [("hello", "greeting"), ("thank you", "thanks"), ("goodbye", "deny")]
    lines = [orjson.dumps({"text": text, "intent": intent}) for text, intent in rows]
    (tmp_path / "set.jsonl").write_bytes(b"\n".join(lines))
    told = orjson.loads(run("eval", "set.jsonl", "--json").stdout)
    assert (told["utterances"], told["accuracy"]) == (3, 0.6667)
    assert told["confusion"] == [{"meant": "deny", "found": "goodbye", "count": 1}]
    shown = run("eval", "set.jsonl").stdout
    assert "macro f1" in shown
    assert "goodbye" in shown


def test_a_proposal_is_shown_and_decided_about() -> None:
    propose("my thing never came", Intent.CHECK_ORDER_STATUS)
    propose("the frobnicator", Intent.HELP)
    assert "my thing never came" in run("review", "list").stdout
    assert run("review", "accept", "1", "--later").exit_code == 0
    assert run("review", "reject", "2").exit_code == 0
    assert [one.text for one in with_status(ProposalStatus.ACCEPTED)] == ["my thing never came"]
    assert [one.text for one in with_status(ProposalStatus.REJECTED)] == ["the frobnicator"]


def test_a_proposal_may_have_meant_something_else() -> None:
    propose("cheers mate", Intent.HELP)
    assert run("review", "accept", "1", "--later", "--intent", "fly").exit_code == 2
    assert run("review", "accept", "1", "--later", "--intent", "thanks").exit_code == 0
    (accepted,) = with_status(ProposalStatus.ACCEPTED)
    assert accepted.intent is Intent.THANKS


def test_a_proposal_that_is_not_there_is_said_so() -> None:
    assert isinstance(run("review", "reject", "7").exception, NotFoundError)


def test_training_data_is_written_where_it_is_wanted(tmp_path: Path) -> None:
    assert run("export-rasa", str(tmp_path / "rasa")).exit_code == 0
    for name in ("config.yml", "domain.yml", "nlu.yml"):
        assert (tmp_path / "rasa" / name).read_text() == (FOLDER / name).read_text()
