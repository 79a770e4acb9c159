"""A voice's events as a generator that can be closed, for voices that wrap another."""

from collections.abc import AsyncGenerator

from voice_agent.core.ports import SpeechSynthesizer
from voice_agent.core.speech import SpeechEvent, SpeechRequest


async def events_of(
    voice: SpeechSynthesizer, request: SpeechRequest
) -> AsyncGenerator[SpeechEvent, None]:
    """The voice's events; closing this closes the voice's stream, however that is made.

    Raises:
        ProviderError: the voice failed.
    """
    stream = voice.stream(request)
    try:
        async for event in stream:
            yield event
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()
