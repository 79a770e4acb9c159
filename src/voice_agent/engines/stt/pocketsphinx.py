"""pocketsphinx: hears without a key, within what our callers are expected to say."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import structlog
from pydantic import BaseModel, ConfigDict, Field

from voice_agent.engines.registry import Kind, Provider
from voice_agent.engines.stt.build_language_model import ensure_built
from voice_agent.engines.stt.worker_recognizer import WorkerRecognizer

log = structlog.get_logger(__name__)


def _default_cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "voice-agent"


class PocketsphinxOptions(BaseModel):
    """How pocketsphinx listens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    workers: int = Field(
        default=1, ge=1, le=64, description="Processes; one serves about five calls"
    )
    language: str = Field(default="en", description="Language of the utterances to listen for")
    phrases: tuple[str, ...] = Field(default=(), description="Business terms to listen for")
    cache_dir: Path = Field(
        default_factory=_default_cache, description="Folder for the language model"
    )


class PocketsphinxRecognizer(WorkerRecognizer):
    """The embedded recogniser; its language model is built at the first start."""

    def __init__(self, options: PocketsphinxOptions) -> None:
        """Nothing is started before it is entered."""
        values = options.model_dump(mode="json", exclude={"workers"})
        module = "voice_agent.engines.stt.pocketsphinx_worker"
        super().__init__("pocketsphinx", module, values, workers=options.workers)
        self._values = values

    async def __aenter__(self) -> Self:
        """Build the language model where there is none, then start the workers.

        Raises:
            ProviderUnavailable: the model cannot be built or a worker does not start.
        """
        if await ensure_built(self._values, provider="pocketsphinx"):
            log.info("recogniser.language_model_built")
        return await super().__aenter__()


def _check(_options: PocketsphinxOptions) -> str:
    if find_spec("pocketsphinx") is None:
        return "The package is missing; install it with: pip install pocketsphinx."
    return ""


PROVIDER = Provider(
    name="pocketsphinx",
    kind=Kind.STT,
    options=PocketsphinxOptions,
    build=PocketsphinxRecognizer,
    check=_check,
    summary="Embedded and free; knows what callers of a business line say, not free dictation",
)
