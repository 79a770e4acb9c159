"""What work costs, from a dated list of prices; what is not on the list has no price.

An estimate for the operator, not a bill. Prices are data: `prices.toml`, each row with its source.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from functools import cache
from importlib import resources
from typing import Any, Final

from voice_agent.core.usage import Unit, Usage
from voice_agent.engines.registry import Kind, providers

TELEPHONY: Final = "telephony"
"""The kind of rows that are no engine's: minutes on a telephone line, billed in seconds."""

_VERSION: Final = re.compile(r"[-@](?:\d[\d.-]*|latest)")
_PROMPT: Final = (Unit.INPUT_TOKENS, Unit.CACHED_TOKENS, Unit.CACHE_WRITE_TOKENS)
_NEEDED: Final[Mapping[Kind, tuple[Unit, ...]]] = {
    Kind.LLM: (Unit.INPUT_TOKENS, Unit.OUTPUT_TOKENS),
    Kind.STT: (Unit.SECONDS,),
    Kind.TTS: (Unit.CHARACTERS,),
    Kind.REALTIME: (Unit.INPUT_AUDIO_TOKENS, Unit.OUTPUT_AUDIO_TOKENS),
}


@dataclass(frozen=True, slots=True)
class Price:
    """A row of the list: `usd` for `per` units of a model's work, from a day on."""

    kind: str
    provider: str
    model: str
    unit: Unit
    usd: Decimal
    per: int
    effective_from: date
    source: str
    above_prompt_tokens: int = 0
    rounded_up_to: int = 0

    def covers(self, usage: Usage, unit: Unit, on: date) -> bool:
        """Whether this is a price for such work on that day."""
        return (
            (self.provider, self.unit) == (usage.provider, unit)
            and self.effective_from <= on
            and _matches(self.model, usage.model)
            and (not self.above_prompt_tokens or _prompt(usage) > self.above_prompt_tokens)
        )

    def of(self, amount: float) -> Decimal:
        """The price of so many units."""
        units = Decimal(str(amount))
        if self.rounded_up_to:
            begun = (units / self.rounded_up_to).to_integral_value(ROUND_CEILING)
            units = begun * self.rounded_up_to
        return units * self.usd / self.per


def cost_of(usage: Usage, on: date) -> float | None:
    """What the work cost (USD) on that day; None where any part of it has no known price.

    Engines of our own machine cost nothing.
    """
    parts = parts_of(usage, on)
    return None if parts is None else float(sum(parts.values(), Decimal(0)))


def parts_of(usage: Usage, on: date) -> dict[Unit, Decimal] | None:
    """What each unit of the work cost (USD); None where any has no known price."""
    if _is_free(usage.provider):
        return {unit: Decimal(0) for unit in usage.amounts}
    parts: dict[Unit, Decimal] = {}
    for unit, amount in usage.amounts.items():
        if not amount > 0:
            continue
        price = _price(usage, unit, on)
        if price is None:
            return None
        parts[unit] = price.of(amount)
    return parts


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model of a hosted engine."""

    kind: Kind
    provider: str
    model: str


def default_models() -> list[ModelChoice]:
    """The model that each hosted engine uses when nothing is set."""
    return [
        ModelChoice(kind, provider.name, str(field.default))
        for kind in Kind
        for provider in providers(kind).values()
        if provider.key_variable and (field := provider.options.model_fields.get("model"))
    ]


def unpriced(models: Iterable[ModelChoice], on: date) -> list[ModelChoice]:
    """Those whose work has no price on that day, wholly or in part."""
    return [choice for choice in models if not _is_priced(choice, on)]


@cache
def price_list() -> tuple[Price, ...]:
    """All rows, as they stand in the file."""
    text = resources.files("voice_agent.engines").joinpath("prices.toml").read_text("utf-8")
    tables = tomllib.loads(text, parse_float=Decimal)["price"]
    return tuple(price for table in tables for price in _prices(table))


def _prices(table: Mapping[str, Any]) -> Iterable[Price]:
    shared = {key: value for key, value in table.items() if key != "usd"}
    for unit, usd in table["usd"].items():
        yield Price(**shared, unit=Unit(unit), usd=Decimal(usd))


def _price(usage: Usage, unit: Unit, on: date) -> Price | None:
    """The one row that counts: none for the unit alone is no reason to take another model's."""
    rows = [price for price in price_list() if price.provider == usage.provider]
    fitting = [p for p in rows if p.covers(usage, p.unit, on)]
    best = max(fitting, key=_rank, default=None)
    if best is None:
        return None
    same = [price for price in fitting if _rank(price) == _rank(best) and price.unit is unit]
    return same[0] if same else None


def _rank(price: Price) -> tuple[int, int, date]:
    return len(price.model), price.above_prompt_tokens, price.effective_from


def _matches(pattern: str, model: str) -> bool:
    if pattern.endswith("*"):
        return model.startswith(pattern[:-1])
    rest = model.removeprefix(pattern)
    return model.startswith(pattern) and (not rest or bool(_VERSION.fullmatch(rest)))


def _prompt(usage: Usage) -> float:
    return sum(usage.amounts.get(unit, 0) for unit in _PROMPT)


@cache
def _is_free(provider: str) -> bool:
    """Whether it is an engine of our own machine; asked last, because looking imports them all."""
    if any(price.provider == provider for price in price_list()):
        return False
    found = [providers(kind).get(provider) for kind in Kind]
    known = [each for each in found if each is not None]
    return bool(known) and not any(each.key_variable for each in known)


def _is_priced(choice: ModelChoice, on: date) -> bool:
    if _is_free(choice.provider):
        return True
    usage = Usage(choice.provider, choice.model, {})
    return all(_price(usage, unit, on) for unit in _NEEDED.get(choice.kind, ()))
