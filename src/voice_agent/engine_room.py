"""Starts every engine the settings name and puts them behind their breakers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from typing import Any

import anyio

from voice_agent.config import Settings
from voice_agent.core.clock import Clock
from voice_agent.core.ports import ToolExecutor
from voice_agent.core.speech import SpeechRequest
from voice_agent.core.usage import Unit, Usage
from voice_agent.engines.chains import EngineChain, EngineStatus
from voice_agent.engines.nlu.emotions import emotion_of
from voice_agent.engines.nlu.questions import expectation_of
from voice_agent.engines.prices import cost_of
from voice_agent.engines.registry import Kind, Provider
from voice_agent.engines.resilience.model import FailoverModel
from voice_agent.engines.resilience.realtime import FailoverRealtimeModel
from voice_agent.engines.resilience.recognizer import FailoverRecognizer
from voice_agent.engines.resilience.routed_voices import RoutedVoices
from voice_agent.engines.resilience.synthesizer import FailoverSynthesizer
from voice_agent.engines.selection import (
    ChosenEngine,
    OptionsOf,
    Selection,
    choose_engine,
    start_engines,
)
from voice_agent.engines.tts.audio_cache import CachingSynthesizer
from voice_agent.engines.tts.pronunciations import PronouncingSynthesizer, read_pronunciations
from voice_agent.engines.tts.router import Mode, TTSRouter
from voice_agent.engines.tts.unmarked_voice import UnmarkedVoice
from voice_agent.pipeline.engines import Engines


class LiveNames(Mapping[str, str]):
    """The engine of each role that would be used now."""

    def __init__(self, chains: Mapping[Kind, EngineChain], fixed: Mapping[str, str]) -> None:
        self._chains = chains
        self._fixed = fixed

    def __getitem__(self, role: str) -> str:
        """The engine's name."""
        return self._fixed[role] if role in self._fixed else self._chains[Kind(role)].first

    def __iter__(self) -> Iterator[str]:
        """The roles."""
        return iter((*self._fixed, *map(str, self._chains)))

    def __len__(self) -> int:
        """How many roles there are."""
        return len(self._fixed) + len(self._chains)


@dataclass(frozen=True, slots=True)
class EngineRoom:
    """All engines of a running server."""

    engines: Engines
    model: FailoverModel
    chains: Mapping[Kind, EngineChain]

    def statuses(self) -> list[EngineStatus]:
        """What there is, what is blocked and what would be used if a call came now."""
        return [status for chain in self.chains.values() for status in chain.statuses()]

    async def prepare(self, requests: Sequence[SpeechRequest]) -> None:
        """Let the voice that would speak now make these clauses before anybody asks."""
        voice = self.chains[Kind.TTS].candidates.first().engine
        if isinstance(voice, CachingSynthesizer):
            await voice.prefetch(requests)

    async def warm(self) -> None:
        """A call is coming: let every engine that may be asked open its connections."""
        async with anyio.create_task_group() as tasks:
            for chain in self.chains.values():
                tasks.start_soon(chain.candidates.warm)


def options_from(settings: Settings, terms: tuple[str, ...] = ()) -> OptionsOf:
    """What is set for a provider, with what the server knows for it."""

    def options(provider: Provider) -> dict[str, Any]:
        offered: dict[str, Any] = {
            "cache_dir": settings.data_dir / "cache",
            "timezone": settings.timezone,
            "language": settings.language,
            "phrases": terms,
        }
        if key := settings.key(provider.key_variable):
            offered["api_key"] = key
        known = provider.options.model_fields
        values = {name: value for name, value in offered.items() if name in known}
        return {**values, **settings.options_for(provider.kind, provider.name)}

    return options


def roles(settings: Settings) -> list[tuple[Kind, list[str]]]:
    """What is needed for a call and which engines may do it, best first; voice activity first."""
    needed = [
        (Kind.VAD, settings.vad),
        (Kind.STT, settings.stt),
        (Kind.LLM, settings.llm),
        (Kind.TTS, settings.tts),
    ]
    return [*needed, (Kind.REALTIME, settings.realtime)] if settings.realtime else needed


async def open_engine_room(
    settings: Settings,
    tools: ToolExecutor,
    clock: Clock,
    stack: AsyncExitStack,
    *,
    terms: tuple[str, ...] = (),
    fixed: frozenset[str] = frozenset(),
) -> EngineRoom:
    """Start what the settings name; `stack` stops it.

    `terms` are words of the business to listen for, `fixed` clauses that every caller may hear.

    Raises:
        ConfigurationError: an option is wrong, or a role has no engine that can work.
    """
    _read_ahead(clock)
    options = options_from(settings, terms)
    detector = await choose_engine(Kind.VAD, settings.vad, options, stack)
    chains: dict[Kind, EngineChain] = {}
    for kind, names in roles(settings)[1:]:
        least = 0 if kind is Kind.REALTIME else 1
        selection = await start_engines(kind, names, options, stack, least=least)
        if kind is Kind.TTS:
            selection = await _voices(settings, selection, fixed, stack)
        if selection.chosen:
            chains[kind] = EngineChain(kind, selection, clock)
    realtime = chains.get(Kind.REALTIME)
    model = FailoverModel(chains[Kind.LLM].candidates)
    engines = Engines(
        detector=detector.engine,
        recognizer=FailoverRecognizer(chains[Kind.STT].candidates),
        model=model,
        synthesizer=_routed(settings, chains[Kind.TTS]),
        tools=tools,
        names=LiveNames(chains, {str(Kind.VAD): detector.name}),
        language=settings.language,
        voice=settings.voice,
        phrases=terms,
        expectation_of=expectation_of,
        emotion_of=emotion_of,
        price=lambda usage: cost_of(usage, clock.wall().date()),
        realtime=FailoverRealtimeModel(realtime.candidates) if realtime else None,
    )
    return EngineRoom(engines, model, chains)


def _read_ahead(clock: Clock) -> None:
    """Read the tables that the first turn would otherwise wait for."""
    emotion_of("hello")
    expectation_of("hello?")
    cost_of(Usage("", "", {Unit.SECONDS: 0.0}), clock.wall().date())


async def _voices(
    settings: Settings, selection: Selection, fixed: frozenset[str], stack: AsyncExitStack
) -> Selection:
    """Each voice with markup, the business's pronunciations and a memory of what is fixed."""
    pronunciations = read_pronunciations(settings.pronunciations)

    async def dressed(chosen: ChosenEngine) -> ChosenEngine:
        voice = chosen.engine if chosen.provider.key_variable else UnmarkedVoice(chosen.engine)
        if pronunciations:
            voice = PronouncingSynthesizer(voice, pronunciations)
        look = chosen.options.model_dump_json(exclude={"api_key", "base_url"})
        caching = CachingSynthesizer(
            voice,
            settings.data_dir / "cache" / "speech",
            engine=f"{chosen.name}:{look}:{pronunciations.fingerprint}",
            fixed=fixed.__contains__,
        )
        return replace(chosen, engine=await stack.enter_async_context(caching))

    chosen = [await dressed(one) for one in selection.chosen]
    return Selection(tuple(chosen), selection.passed_over)


def _routed(settings: Settings, chain: EngineChain) -> FailoverSynthesizer:
    """The voices as one: routed and failing over."""
    routing = RoutedVoices(chain.candidates, chain.traits, TTSRouter(Mode(settings.tts_mode)))
    return FailoverSynthesizer(chain.candidates, routing)
