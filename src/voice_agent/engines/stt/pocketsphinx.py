"""pocketsphinx: hears without a key, within what our callers are expected to say."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import anyio
import anyio.to_process
import structlog
from pydantic import BaseModel, ConfigDict, Field

from voice_agent.core.errors import ConfigurationError, ProviderUnavailable
from voice_agent.engines.registry import Kind, Provider
from voice_agent.engines.stt.language_model_files import plan, prepare
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
        self._options = options

    async def __aenter__(self) -> Self:
        """Build the language model where there is none, then start the workers.

        Raises:
            ProviderUnavailable: the model cannot be built or a worker does not start.
        """
        await self._build()
        return await super().__aenter__()

    async def _build(self) -> None:
        """In a process of its own, which may take longer than a worker's start."""
        options = self._options
        wanted = (options.cache_dir, options.language, options.phrases)
        try:
            if plan(*wanted).built:
                return
            log.info("recogniser.language_model_building")
            await anyio.to_process.run_sync(prepare, *wanted, cancellable=True)
        except ConfigurationError as error:
            raise ProviderUnavailable(str(error), provider="pocketsphinx") from None
        except anyio.BrokenWorkerProcess as error:
            message = f"the language model was not built: {error}"
            raise ProviderUnavailable(message, provider="pocketsphinx") from error


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
