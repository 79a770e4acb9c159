"""Logs hold no secret and nothing personal, whoever writes them."""

import json
import logging

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.observability.logging import REDACTED, configure_logging, redact


@given(st.dictionaries(st.sampled_from(["pii_number", "auth_token", "API_KEY", "call"]), st.text()))
def test_personal_data_and_secrets_are_replaced(facts: dict[str, str]) -> None:
    written = redact(None, "info", dict(facts))
    for key, value in written.items():
        assert value == (facts[key] if key == "call" else REDACTED)


def test_what_libraries_log_comes_out_in_the_same_form(
    capsys: pytest.CaptureFixture[str],
) -> None:
    handlers, level = logging.getLogger().handlers[:], logging.getLogger().level
    try:
        configure_logging("info", "json")
        structlog.get_logger("ours").info("call.ended", call="1", pii_number="+15550100")
        logging.getLogger("theirs").warning("trouble")
    finally:
        logging.getLogger().handlers[:] = handlers
        logging.getLogger().setLevel(level)
        structlog.reset_defaults()
    ours, theirs = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert ours["event"] == "call.ended"
    assert ours["pii_number"] == REDACTED
    assert theirs["event"] == "trouble"
    assert theirs["level"] == "warning"
