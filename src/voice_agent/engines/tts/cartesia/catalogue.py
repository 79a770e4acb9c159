"""Cartesia's lists of voices and its clones, as values."""

from collections.abc import Mapping
from typing import Any

from voice_agent.engines.tts.voice_catalogue import VoiceInfo


def voices_of(page: Mapping[str, Any]) -> list[VoiceInfo]:
    """The voices of one page of a list; entries without an id are left out."""
    entries = page.get("data")
    if not isinstance(entries, list):
        return []
    return [
        _voice(entry)
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("id"), str)
    ]


def clone_fields(name: str, language: str, description: str) -> dict[str, str]:
    """The form that goes with a sample."""
    fields = {"name": name, "language": language.partition("-")[0].lower() or "en"}
    return fields | ({"description": description} if description else {})


def _voice(entry: Mapping[str, Any]) -> VoiceInfo:
    # Older versions say `is_public`, newer ones who may use it.
    own = entry.get("is_owner") is True or entry.get("visibility") == "owner"
    return VoiceInfo(
        id=entry["id"],
        name=_text(entry.get("name")) or entry["id"],
        language=_text(entry.get("language")),
        description=_text(entry.get("description")),
        own=own or entry.get("is_public") is False,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
