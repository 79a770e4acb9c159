"""ElevenLabs' lists of voices and its clones, as values."""

from collections.abc import Mapping
from typing import Any

import orjson

from voice_agent.engines.tts.voice_catalogue import VoiceInfo


def voices_of(page: Mapping[str, Any]) -> list[VoiceInfo]:
    """The voices of one page of a list; entries without an id are left out."""
    entries = page.get("voices")
    if not isinstance(entries, list):
        return []
    return [
        _voice(entry)
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("voice_id"), str)
    ]


def clone_fields(name: str, language: str, description: str) -> dict[str, str]:
    """The form that goes with a sample; labels are JSON inside a form field."""
    labels = {"language": language} if language else {}
    return {"name": name, "description": description, "labels": orjson.dumps(labels).decode()}


def _voice(entry: Mapping[str, Any]) -> VoiceInfo:
    labels = entry.get("labels")
    labels = labels if isinstance(labels, dict) else {}
    return VoiceInfo(
        id=entry["voice_id"],
        name=_text(entry.get("name")) or entry["voice_id"],
        language=_text(labels.get("language")),
        description=_text(entry.get("description")),
        own=entry.get("category") in ("cloned", "professional", "generated"),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
