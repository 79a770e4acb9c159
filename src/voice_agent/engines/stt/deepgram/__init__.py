"""Deepgram: Nova models, which are told where speech ends, and Flux, which finds turns."""

from voice_agent.engines.hosted import missing_key
from voice_agent.engines.registry import Kind, Provider
from voice_agent.engines.stt.deepgram.options import DeepgramOptions
from voice_agent.engines.stt.deepgram.protocol import PROVIDER_NAME
from voice_agent.engines.stt.deepgram.recognizer import DeepgramRecognizer

_KEY_VARIABLE = "DEEPGRAM_API_KEY"


def _check(options: DeepgramOptions) -> str:
    return missing_key(options, "stt.deepgram", _KEY_VARIABLE)


PROVIDER = Provider(
    name=PROVIDER_NAME,
    kind=Kind.STT,
    options=DeepgramOptions,
    build=DeepgramRecognizer,
    summary="Deepgram's streaming recogniser, with a Nova or a Flux model",
    check=_check,
    key_variable=_KEY_VARIABLE,
)
