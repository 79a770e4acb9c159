"""The messages of `/v1/listen`, as JSON objects."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from voice_agent.core.speech import Word
from voice_agent.simulation.providers.deepgram.nova_query import NovaQuery
from voice_agent.simulation.providers.deepgram.wording import punctuated

_MODEL_UUID: Final = "2187e11a-3532-4498-b076-81fa530bdd49"
_CHANNEL: Final = (0, 1)


class NovaMessages:
    """Writes messages for one connection."""

    def __init__(self, query: NovaQuery, request_id: str, created: str) -> None:
        """`created` is the time of the handshake, ISO 8601."""
        self._query, self._request_id, self._created = query, request_id, created

    def results(
        self,
        span: tuple[float, float],
        words: Sequence[Word],
        *,
        is_final: bool = False,
        speech_final: bool = False,
        from_finalize: bool = False,
    ) -> dict[str, Any]:
        """What was said from second to second."""
        start, end = span
        message: dict[str, Any] = {
            "type": "Results",
            "channel_index": _CHANNEL,
            "duration": _rounded(end - start),
            "start": _rounded(start),
            "is_final": is_final,
            "speech_final": speech_final,
            "channel": {"alternatives": [self._alternative(words)]},
            "metadata": {
                "request_id": self._request_id,
                "model_info": self._model_info(),
                "model_uuid": _MODEL_UUID,
            },
            "from_finalize": from_finalize,
        }
        if self._query.detect_entities and is_final:
            message["entities"] = []
        return message

    def metadata(self, duration: float) -> dict[str, Any]:
        """The last message of a connection; `duration` in seconds of audio."""
        message: dict[str, Any] = {
            "type": "Metadata",
            "transaction_key": "deprecated",
            "request_id": self._request_id,
            "sha256": "0" * 64,
            "created": self._created,
            "duration": _rounded(duration),
            "channels": 1 if duration else 0,
        }
        if duration:
            message["models"] = [_MODEL_UUID]
            message["model_info"] = {_MODEL_UUID: self._model_info()}
        return message

    def configured(self, keyterms: Sequence[str]) -> dict[str, Any]:
        """A Configure was carried out."""
        return {
            "type": "ConfigureSuccess",
            "request_id": self._request_id,
            "keyterms": list(keyterms),
        }

    def not_configured(self, code: str, description: str) -> dict[str, Any]:
        """A Configure was refused."""
        return {
            "type": "ConfigureFailure",
            "request_id": self._request_id,
            "code": code,
            "description": description,
        }

    def _alternative(self, words: Sequence[Word]) -> dict[str, Any]:
        texts = [word.text for word in words]
        written = punctuated(texts) if self._query.punctuate else texts
        confidence = sum(word.confidence for word in words) / len(words) if words else 0.0
        listed = [self._word(word, text) for word, text in zip(words, written, strict=True)]
        return {"transcript": " ".join(written), "confidence": confidence, "words": listed}

    def _word(self, word: Word, written: str) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "word": word.text,
            "start": _rounded(word.start),
            "end": _rounded(word.end),
            "confidence": word.confidence,
        }
        if self._query.punctuate:
            entry["punctuated_word"] = written
        return entry

    def _model_info(self) -> Mapping[str, str]:
        model = self._query.model
        family = "nova-3" if self._query.newest else model
        return {"name": f"general-{family}", "version": "2026-08-01.0", "arch": family}


def utterance_end(last_word_end: float) -> dict[str, Any]:
    """Nothing was said for a while after the last word."""
    return {"type": "UtteranceEnd", "channel": _CHANNEL, "last_word_end": _rounded(last_word_end)}


def speech_started(at: float) -> dict[str, Any]:
    """Speech was found."""
    return {"type": "SpeechStarted", "channel": _CHANNEL, "timestamp": _rounded(at)}


def schema_error(text: str) -> dict[str, Any]:
    """A text frame could not be parsed."""
    return {
        "type": "Error",
        "variant": "SchemaError",
        "description": "could not parse the message",
        "message": text,
    }


def _rounded(seconds: float) -> float:
    return round(seconds, 3)
