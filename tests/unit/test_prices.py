"""Costs come from dated prices with a source, add up, and are never guessed."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.usage import Unit, Usage
from voice_agent.engines.prices import (
    TELEPHONY,
    ModelChoice,
    Price,
    cost_of,
    default_models,
    parts_of,
    price_list,
    unpriced,
)
from voice_agent.engines.registry import Kind, providers

TODAY = date(2026, 11, 22)

amounts = st.dictionaries(st.sampled_from(Unit), st.floats(0, 1e7) | st.integers(0, 10**7))
PRICED = st.sampled_from(sorted({(price.provider, price.model) for price in price_list()}))


@given(PRICED, amounts)
def test_a_total_is_the_sum_of_its_parts(
    model: tuple[str, str], amounts: dict[Unit, float]
) -> None:
    usage = Usage(*model, amounts)
    total, parts = cost_of(usage, TODAY), parts_of(usage, TODAY)

    if total is None or parts is None:
        assert total is None
        assert parts is None
        return
    assert total == pytest.approx(float(sum(parts.values())), abs=1e-9)
    assert total >= 0


def test_the_parts_of_a_call_add_up() -> None:
    usages = [
        Usage("openai", "gpt-6-luna", {Unit.INPUT_TOKENS: 21_960, Unit.OUTPUT_TOKENS: 480}),
        Usage("deepgram", "nova-3", {Unit.SECONDS: 180}),
        Usage("elevenlabs", "eleven_flash_v2_5", {Unit.CHARACTERS: 1350}),
        Usage("twilio", "voice-inbound-local", {Unit.SECONDS: 180}),
        Usage("twilio", "media-stream", {Unit.SECONDS: 180}),
    ]
    costs = [cost_of(usage, TODAY) for usage in usages]

    assert costs == pytest.approx([0.002436, 0.0144, 0.054, 0.0255, 0.012], abs=1e-9)


@pytest.mark.parametrize("price", price_list(), ids=lambda p: f"{p.provider}-{p.model}-{p.unit}")
def test_every_price_has_a_source_a_day_and_a_kind(price: Price) -> None:
    assert len(price.source) > 10
    assert date(2025, 1, 1) <= price.effective_from
    assert price.usd > 0 < price.per
    assert price.kind in {*Kind, TELEPHONY}


def test_no_two_prices_are_for_the_same() -> None:
    keys = [
        (p.provider, p.model, p.unit, p.effective_from, p.above_prompt_tokens) for p in price_list()
    ]

    assert len(keys) == len(set(keys))


def test_every_hosted_engine_has_a_price_for_its_default_model() -> None:
    assert unpriced(default_models(), TODAY) == []


def test_what_has_no_price_is_unknown_not_free() -> None:
    assert cost_of(Usage("openai", "gpt-99", {Unit.INPUT_TOKENS: 1}), TODAY) is None
    assert cost_of(Usage("nobody", "x", {Unit.SECONDS: 1}), TODAY) is None
    assert cost_of(Usage("openai", "gpt-6-luna", {Unit.SECONDS: 1}), TODAY) is None
    unknown = ModelChoice(Kind.STT, "deepgram", "flux-general-en")
    assert unpriced([unknown, ModelChoice(Kind.STT, "deepgram", "nova-3")], TODAY) == [unknown]


def test_one_part_without_a_price_makes_the_whole_unknown() -> None:
    usage = Usage("openai", "gpt-4o", {Unit.INPUT_TOKENS: 5, Unit.CACHE_WRITE_TOKENS: 5})

    assert cost_of(usage, TODAY) is None


def test_the_longest_model_wins() -> None:
    mini = Usage("openai", "gpt-4.1-mini-2025-04-14", {Unit.INPUT_TOKENS: 1_000_000})
    large = Usage("openai", "gpt-4.1-2025-04-14", {Unit.INPUT_TOKENS: 1_000_000})

    assert (cost_of(mini, TODAY), cost_of(large, TODAY)) == (0.4, 2.0)


def test_another_variant_of_a_model_is_not_that_model() -> None:
    assert cost_of(Usage("openai", "gpt-4.1-ultra", {Unit.INPUT_TOKENS: 1}), TODAY) is None
    assert cost_of(Usage("openai", "gpt-6-luna-latest", {Unit.INPUT_TOKENS: 1}), TODAY)


def test_the_price_of_the_day_counts() -> None:
    usage = Usage("gemini", "gemini-3.8-flash", {Unit.INPUT_TOKENS: 1_000_000})

    assert cost_of(usage, date(2026, 10, 31)) is None
    assert cost_of(usage, date(2026, 12, 31)) == 0.75
    assert cost_of(usage, date(2027, 1, 1)) == 1.5


def test_a_long_prompt_has_its_own_price() -> None:
    def cost(tokens: int, cached: int = 0) -> float | None:
        units = {Unit.INPUT_TOKENS: tokens, Unit.CACHED_TOKENS: cached}
        return cost_of(Usage("anthropic", "claude-haiku-5-5", units), TODAY)

    assert cost(100_000) == pytest.approx(0.01)
    assert cost(100_001) == pytest.approx(0.0500005)
    assert cost(60_000, cached=40_000) == pytest.approx(0.0064)
    assert cost(60_000, cached=60_000) is None


@pytest.mark.parametrize(("seconds", "minutes"), [(0.2, 1), (60, 1), (60.1, 2), (0, 0)])
def test_begun_minutes_on_the_telephone_count(seconds: float, minutes: int) -> None:
    usage = Usage("twilio", "voice-inbound-local", {Unit.SECONDS: seconds})

    assert cost_of(usage, TODAY) == pytest.approx(minutes * 0.0085)


@pytest.mark.parametrize("kind", Kind)
def test_engines_on_our_own_machine_cost_nothing(kind: Kind) -> None:
    for provider in providers(kind).values():
        if not provider.key_variable:
            assert cost_of(Usage(provider.name, "", {Unit.CHARACTERS: 9}), TODAY) == 0.0


def test_prices_are_exact() -> None:
    parts = parts_of(Usage("cartesia", "sonic-3", {Unit.CHARACTERS: 3}), TODAY)

    assert parts == {Unit.CHARACTERS: Decimal("0.00015")}
