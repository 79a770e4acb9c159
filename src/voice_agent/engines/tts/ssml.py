"""Speech markup: one neutral tree, read from SSML, written for people and for providers."""

from voice_agent.engines.tts.say_as import SayAsKind, read_as
from voice_agent.engines.tts.ssml_builder import Ssml
from voice_agent.engines.tts.ssml_dialects import for_cartesia, for_elevenlabs
from voice_agent.engines.tts.ssml_parser import SPEECH_TAGS, parse, without_tags
from voice_agent.engines.tts.ssml_spans import (
    Break,
    Emphasis,
    Level,
    Phoneme,
    Prosody,
    SayAs,
    Span,
    Spans,
    Sub,
    Text,
    escape,
    plain_text,
    to_ssml,
)

__all__ = [
    "SPEECH_TAGS",
    "Break",
    "Emphasis",
    "Level",
    "Phoneme",
    "Prosody",
    "SayAs",
    "SayAsKind",
    "Span",
    "Spans",
    "Ssml",
    "Sub",
    "Text",
    "escape",
    "for_cartesia",
    "for_elevenlabs",
    "parse",
    "plain_text",
    "read_as",
    "to_ssml",
    "without_tags",
]
