"""`voice-agent tools`: what there is, and one try of it."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from voice_agent.cli import app


@pytest.fixture(autouse=True)
def somewhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*words: str, answer: str = "") -> Result:
    return CliRunner().invoke(app, ["tools", *words], input=answer, env={"COLUMNS": "200"})


def test_the_list_names_every_tool_with_source_access_parameters_and_health() -> None:
    shown = run("list").output.splitlines()
    (order,) = (line.split() for line in shown if line.startswith("check_order_status"))
    assert order == ["check_order_status", "built", "in", "read", "order_id", "ready"]
    listed = json.loads(run("list", "--json").output)
    schemas = {tool["name"]: tool["schema"] for tool in listed}
    assert schemas["check_order_status"]["required"] == ["order_id"]


def test_a_tool_is_tried_with_arguments_as_json() -> None:
    result = run("call", "check_order_status", '{"order_id": "1042"}')
    assert result.exit_code == 0
    assert json.loads(result.stdout)["order_id"] == 1042


def test_a_failure_is_printed_and_ends_with_exit_code_one() -> None:
    result = run("call", "check_order_status", "{}")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"] == "invalid_arguments"
    assert run("call", "no_such_tool").exit_code == 1


def test_what_changes_something_is_asked_about_first() -> None:
    rating = '{"rating": 5}'
    assert run("call", "collect_feedback", rating, answer="n\n").exit_code == 1
    assert run("call", "collect_feedback", rating, "--yes").exit_code == 0


@pytest.mark.parametrize("text", ["", "[1]", "{oops", "null"])
def test_arguments_that_are_no_object_are_refused_as_wrong_use(text: str) -> None:
    assert run("call", "check_order_status", text).exit_code == 2
