"""The messages of `/v2/listen`, numbered as they are written."""

from collections.abc import Sequence
from typing import Any, Final

from voice_agent.core.speech import Word
from voice_agent.simulation.providers.deepgram.flux_query import (
    MULTILINGUAL,
    FluxQuery,
    Thresholds,
)

INACTIVE: Final = "The client sent no audio for too long."
UNPARSABLE: Final = "The message cannot be parsed or is of no known type."


class FluxMessages:
    """Writes messages for one connection, each with the next number."""

    def __init__(self, query: FluxQuery, request_id: str) -> None:
        """`request_id` goes into every message."""
        self._query, self._request_id = query, request_id
        self._sequence = 0

    def connected(self) -> dict[str, Any]:
        """The greeting."""
        return self._numbered("Connected")

    def turn_info(
        self,
        event: str,
        turn: int,
        window: tuple[float, float],
        words: Sequence[Word],
        *,
        confidence: float,
        trigger: str = "",
    ) -> dict[str, Any]:
        """The state of a turn; `window` in seconds, `trigger` only where it ends."""
        message = self._numbered(
            "TurnInfo",
            event=event,
            turn_index=turn,
            audio_window_start=round(window[0], 3),
            audio_window_end=round(window[1], 3),
            transcript=" ".join(word.text for word in words),
            words=[_word(word) for word in words],
            end_of_turn_confidence=round(confidence, 4),
        )
        if trigger:
            message["trigger"] = trigger
        if self._query.model == MULTILINGUAL and words:
            message["languages"] = [*self._query.language_hints[:1]] or ["en"]
            message["languages_hinted"] = list(self._query.language_hints)
        return message

    def configured(
        self, thresholds: Thresholds, keyterms: Sequence[str], hints: Sequence[str]
    ) -> dict[str, Any]:
        """A Configure was carried out; this is what holds now."""
        message = self._numbered(
            "ConfigureSuccess", thresholds=thresholds.as_json(), keyterms=list(keyterms)
        )
        if self._query.model == MULTILINGUAL:
            message["language_hints"] = list(hints)
        return message

    def not_configured(self, description: str) -> dict[str, Any]:
        """A Configure was refused."""
        return self._numbered(
            "ConfigureFailure", code="INVALID_CONFIGURATION", description=description
        )

    def error(self, code: str, description: str) -> dict[str, Any]:
        """The connection ends after this."""
        message = self._numbered("Error", code=code, description=description)
        del message["request_id"]
        return message

    def _numbered(self, kind: str, **fields: Any) -> dict[str, Any]:
        number, self._sequence = self._sequence, self._sequence + 1
        return {"type": kind, "request_id": self._request_id, "sequence_id": number, **fields}


def _word(word: Word) -> dict[str, Any]:
    return {
        "word": word.text,
        "confidence": word.confidence,
        "start": round(word.start, 3),
        "end": round(word.end, 3),
    }
