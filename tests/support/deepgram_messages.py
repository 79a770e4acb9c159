"""Deepgram's messages as text, and a call that talks to one of its protocols without a socket."""

import json
from typing import Any

from voice_agent.core.audio import PHONE, AudioFrame
from voice_agent.core.ports import RecognizerInput
from voice_agent.core.speech import (
    RecognitionFailed,
    SpeechStarted,
    SpeechStopped,
    Transcript,
)
from voice_agent.engines.stt.deepgram.protocol import (
    Mark,
    Note,
    Output,
    Padding,
    SpeechProtocol,
)

FRAME = 0.02


def words_of(text: str, start: float, end: float) -> list[dict[str, Any]]:
    """Words that fill a range evenly."""
    said = text.split()
    step = (end - start) / max(len(said), 1)
    return [
        {
            "word": word.lower().strip(".,?"),
            "punctuated_word": word,
            "start": round(start + n * step, 3),
            "end": round(start + (n + 1) * step, 3),
            "confidence": 0.9,
        }
        for n, word in enumerate(said)
    ]


def results(text: str, start: float, end: float, /, *, words: bool = True, **flags: Any) -> str:
    """A Results message about the sound from `start` to `end`."""
    best: dict[str, Any] = {"transcript": text, "confidence": 0.9 if text else 0.0, "words": []}
    if words:
        best["words"] = words_of(text, start, end)
    return json.dumps(
        {
            "type": "Results",
            "channel_index": [0, 1],
            "start": start,
            "duration": round(end - start, 3),
            "is_final": False,
            "speech_final": False,
            "channel": {"alternatives": [best]},
            "metadata": {"request_id": "r"},
            "from_finalize": False,
            **flags,
        }
    )


def final(text: str, start: float, end: float, /, **flags: Any) -> str:
    return results(text, start, end, **{"is_final": True, **flags})


def utterance_end(last_word_end: float) -> str:
    return json.dumps({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": last_word_end})


def turn_info(
    event: str, text: str, end: float, /, *, turn: int = 0, start: float = 0.0, **fields: Any
) -> str:
    """A TurnInfo message about the turn's sound from `start` to `end`."""
    said = [
        {"word": w["punctuated_word"], **{k: w[k] for k in ("start", "end", "confidence")}}
        for w in words_of(text, start, end)
    ]
    return json.dumps(
        {
            "type": "TurnInfo",
            "request_id": "r",
            "event": event,
            "turn_index": turn,
            "audio_window_start": start,
            "audio_window_end": end,
            "transcript": text,
            "words": said,
            "end_of_turn_confidence": 0.8 if event == "EndOfTurn" else 0.1,
            **({"trigger": "model"} if event == "EndOfTurn" else {}),
            **fields,
        }
    )


class PureCall:
    """A call whose sound is written the moment it is spoken; `now` is its only clock."""

    def __init__(self, protocol: SpeechProtocol) -> None:
        """`protocol` was begun at 0."""
        self.protocol = protocol
        self.now = 0.0
        self.audio_at = 0.0
        self.sent: list[str] = []
        self.sound: list[bytes] = []
        self.told: list[Any] = []
        self.notes: list[Note] = []

    @property
    def finals(self) -> list[Transcript]:
        return [t for t in self.told if isinstance(t, Transcript) and t.final]

    @property
    def texts(self) -> list[str]:
        return [transcript.text for transcript in self.finals]

    @property
    def interims(self) -> list[str]:
        return [t.text for t in self.told if isinstance(t, Transcript) and not t.final]

    @property
    def failures(self) -> list[RecognitionFailed]:
        return [event for event in self.told if isinstance(event, RecognitionFailed)]

    def hear(self, item: RecognizerInput) -> None:
        self._do(self.protocol.hear(item, self.now))

    def sounds(self, seconds: float) -> None:
        """Sound of the caller's, in real time."""
        for _ in range(round(seconds / FRAME)):
            self.hear(AudioFrame(b"\x10" * PHONE.byte_count(FRAME), PHONE, self.audio_at))
            self.audio_at += FRAME
            self.passes(FRAME)

    def skips(self, seconds: float) -> None:
        """The caller's clock goes on, but nothing is sent."""
        self.audio_at += seconds

    def speaks(self, seconds: float) -> None:
        """A stretch of speech without its end, to a server that shows it is alive."""
        self.hear(SpeechStarted(self.audio_at))
        for _ in range(int(seconds)):
            self.sounds(1.0)
            self.receives('{"type":"SomethingNew"}')
        self.sounds(seconds - int(seconds))

    def stops(self) -> None:
        """The detector notices the end a little later."""
        voiced_until = self.audio_at
        self.sounds(0.2)
        self.hear(SpeechStopped(voiced_until))

    def receives(self, *messages: str | bytes) -> None:
        for message in messages:
            self._do(self.protocol.receive(message, self.now))

    def passes(self, seconds: float) -> None:
        """Time goes by; what is due happens when it is due."""
        until = self.now + seconds
        while self.protocol.deadline <= until:
            self.now = max(self.now, self.protocol.deadline)
            self._do(self.protocol.tick(self.now))
        self.now = until

    def _do(self, outputs: list[Output]) -> None:
        for output in outputs:
            match output:
                case AudioFrame():
                    self.sound.append(output.data)
                    self._do(self.protocol.written(output, self.now))
                case Padding():
                    self.sound.append(output.data)
                    self._do(self.protocol.written(output, self.now))
                case Mark():
                    self._do(self.protocol.written(output, self.now))
                case str():
                    self.sent.append(output)
                    self._do(self.protocol.written(output, self.now))
                case Note():
                    self.notes.append(output)
                case _:
                    self.told.append(output)
