"""Models that end are warned of in time."""

from datetime import date

import pytest

from voice_agent.engines.registry import Kind, providers, read_options
from voice_agent.engines.retirements import retirement, retirement_warning

TODAY = date(2026, 11, 22)


def test_a_model_that_will_be_shut_down_soon_is_warned_of() -> None:
    assert retirement_warning("gpt-5-mini", TODAY).startswith("gpt-5-mini will be shut down on")


def test_a_model_that_is_gone_is_said_to_be_gone() -> None:
    assert "was shut down on 2026-10-23" in retirement_warning("gpt-4.1-nano", TODAY)


def test_a_model_with_years_to_go_is_not_warned_of() -> None:
    assert retirement_warning("gemini-3.1-flash-lite", TODAY) == ""
    assert retirement_warning("llama3.2", TODAY) == ""


def test_a_dated_version_ends_with_its_model_and_another_model_does_not() -> None:
    assert retirement("gpt-4o-2024-08-06") == retirement("gpt-4o")
    assert retirement("gpt-4o-mini") == date(2027, 1, 14)
    assert retirement("gpt-realtime-2.1") is None
    assert retirement("claude-sonnet-4-5-20250929") == date(2026, 11, 30)


@pytest.mark.parametrize("kind", [Kind.LLM, Kind.STT, Kind.TTS, Kind.REALTIME])
def test_no_default_model_retires_within_a_year(kind: Kind) -> None:
    for provider in providers(kind).values():
        model = str(getattr(read_options(provider, {}), "model", ""))
        day = retirement(model)
        assert day is None or (day - TODAY).days > 365, model
