"""The tiers that work without network and cost nothing."""

from pathlib import Path
from typing import Final

import structlog

from voice_agent.core.errors import ConfigurationError
from voice_agent.engines.nlu.few_shot.shipped import load_few_shot
from voice_agent.engines.nlu.few_shot_tier import FewShotTier
from voice_agent.engines.nlu.language import Language, load_language
from voice_agent.engines.nlu.regex_tier import RegexTier
from voice_agent.engines.nlu.table_tier import TableTier
from voice_agent.engines.nlu.tiers import Tier

log = structlog.get_logger(__name__)

TAUGHT: Final = "few_shot"
"""Folder of the operator's own model, below the data folder."""


def taught_folder(data_dir: Path) -> Path | None:
    """Where the operator's own model is, None when there is none."""
    folder = data_dir / TAUGHT
    return folder if any(folder.glob("few_shot*.npz")) else None


def embedded_tiers(data_dir: Path, language: Language | None = None) -> tuple[Tier, ...]:
    """Instant patterns, then the taught classifier, or the tables where it cannot be read.

    Reads files: call it in a thread where a loop is running.
    """
    language = language or load_language()
    try:
        model = load_few_shot(data_dir / "cache", language, taught_folder(data_dir))
    except ConfigurationError as error:
        log.warning("nlu.few_shot_missing", why=str(error))
        return RegexTier(language), TableTier(language)
    return RegexTier(language), FewShotTier(model)
