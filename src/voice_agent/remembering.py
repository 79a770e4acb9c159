"""Puts the memory of callers together from the settings."""

from voice_agent.config import Settings
from voice_agent.core.clock import Clock
from voice_agent.core.errors import ConfigurationError
from voice_agent.core.memory import MemoryMode
from voice_agent.core.ports import LanguageModel
from voice_agent.engines.resilience.candidates import Candidates
from voice_agent.engines.resilience.model import FailoverModel
from voice_agent.memory.caller_keys import KEY_FILE, CallerKeys, read_or_make_secret
from voice_agent.memory.forgetting import Retention
from voice_agent.memory.recollection import MemorySettings
from voice_agent.memory.service import MemoryService
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.repositories.caller_memory import SqlCallerMemory


def memory_settings(settings: Settings) -> MemorySettings:
    """What the operator decided about memory."""
    return MemorySettings(
        mode=MemoryMode(settings.memory),
        notice=settings.memory_notice,
        ask=settings.memory_ask,
        minutes=settings.memory_minutes,
        max_turns=settings.memory_max_turns,
        language=settings.language,
        retention=Retention(settings.memory_keep_days, settings.memory_turns_keep_days),
    )


def caller_keys(settings: Settings) -> CallerKeys:
    """The secret by which callers are found again.

    Raises:
        ConfigurationError: `memory_key` is too short.
        StorageError: the key's file cannot be used.
    """
    given = settings.memory_key.get_secret_value()
    secret = given.encode() if given else read_or_make_secret(settings.data_dir / KEY_FILE)
    try:
        return CallerKeys(secret)
    except ValueError as error:
        raise ConfigurationError(f"memory_key: {error}") from None


def memory_service(
    settings: Settings, database: Database, models: Candidates[LanguageModel], clock: Clock
) -> MemoryService:
    """The memory of a running server, to be entered; minutes are written by hosted models only."""
    hosted = [candidate for candidate in models if not candidate.embedded]
    minutes = FailoverModel(Candidates("llm", hosted, clock)) if hosted else None
    return MemoryService(
        memory_settings(settings), SqlCallerMemory(database), caller_keys(settings), clock, minutes
    )
