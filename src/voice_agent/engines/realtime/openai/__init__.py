"""OpenAI's Realtime API: speech in, speech out, in one model."""

from voice_agent.engines.hosted import missing_key
from voice_agent.engines.realtime.openai.model import OpenAIRealtimeModel
from voice_agent.engines.realtime.openai.options import NAME, Options
from voice_agent.engines.registry import Kind, Provider

PROVIDER = Provider(
    name=NAME,
    kind=Kind.REALTIME,
    options=Options,
    build=OpenAIRealtimeModel,
    summary="OpenAI's speech-to-speech models over a WebSocket.",
    check=lambda options: missing_key(options, "realtime.openai", "OPENAI_API_KEY"),
    key_variable="OPENAI_API_KEY",
)
