"""Puts the tiers of understanding together from the settings."""

from contextlib import AsyncExitStack
from zoneinfo import ZoneInfo

import anyio.to_thread

from voice_agent.config import Settings
from voice_agent.core.clock import Clock
from voice_agent.core.ports import LanguageModel
from voice_agent.core.usage import Usage
from voice_agent.engines.nlu.embedded_tiers import embedded_tiers
from voice_agent.engines.nlu.language import load_language
from voice_agent.engines.nlu.llm_tier import LlmTier
from voice_agent.engines.nlu.rasa_tier import RasaOptions, RasaTier
from voice_agent.engines.nlu.tiers import Tier, TieredUnderstander
from voice_agent.engines.prices import cost_of
from voice_agent.engines.resilience.candidates import Candidates
from voice_agent.engines.resilience.model import FailoverModel


async def open_understander(
    settings: Settings, models: Candidates[LanguageModel], clock: Clock, stack: AsyncExitStack
) -> TieredUnderstander:
    """Patterns, an NLU server if there is one, the taught classifier, a hosted model if allowed."""
    language = load_language(settings.language)
    embedded = await anyio.to_thread.run_sync(embedded_tiers, settings.data_dir, language)
    tiers: list[Tier] = list(embedded)
    if settings.rasa_url:
        options = RasaOptions(base_url=settings.rasa_url, token=settings.rasa_token)
        tiers.insert(1, await stack.enter_async_context(RasaTier(options, clock)))
    hosted = [candidate for candidate in models if not candidate.embedded]
    if hosted and settings.nlu_llm:

        def price(usage: Usage) -> float | None:
            return cost_of(usage, clock.wall().date())

        tiers.append(LlmTier(FailoverModel(Candidates("llm", hosted, clock)), price))
    zone = ZoneInfo(settings.timezone)
    return TieredUnderstander(tiers, clock, zone=zone, language=language)
