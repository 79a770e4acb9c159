"""Deepgram's `/v1/listen`, spoken by the Nova models, as values.

The server sends text in pieces: interim ones, which replace each other, and final ones, which
together make what was said. Speech ends when the call says so (`Finalize` asks for the rest)
or when the server finds so first (`speech_final`, `UtteranceEnd`).
"""

from collections import deque
from typing import Final

from voice_agent.core.speech import Transcript
from voice_agent.engines.stt.deepgram.messages import (
    Fields,
    Malformed,
    Segment,
    flag,
    number,
    share,
    text,
    transcript,
    words,
)
from voice_agent.engines.stt.deepgram.protocol import (
    SAME_TIME,
    Mark,
    Note,
    Outgoing,
    Output,
    SpeechProtocol,
    Stop,
)

FINALIZE: Final = '{"type":"Finalize"}'
KEEP_ALIVE: Final = '{"type":"KeepAlive"}'
KEEP_ALIVE_EVERY: Final = 4.0
"""Pause after which the server is told that we are there (s); it leaves after 10."""
MOST_SEGMENTS: Final = 200
"""Pieces of one stretch of speech; even a monologue of minutes has fewer."""
_MOST_FINALIZING: Final = 8
_ANSWER_AT: Final = 0.3
"""The answer to a Finalize may end so much (s) before the sound that was sent before it."""


class ListenProtocol(SpeechProtocol):
    """One stream of `/v1/listen`."""

    covers_within = 0.25

    def __init__(self, at: float, *, finalize_within: float = 0.5) -> None:
        """`finalize_within` is the wait (s) for the text after a `SpeechStopped`."""
        super().__init__(at)
        self.text_within = finalize_within
        self._finals: list[Segment] = []
        self._interim: Segment | None = None
        self._delivered = 0.0
        self._finalizing: deque[Stop] = deque(maxlen=_MOST_FINALIZING)
        self._wrote_at = at

    def written(self, item: Outgoing, at: float) -> list[Output]:
        """An item of the queue is being written; see the base."""
        self._wrote_at = at
        return super().written(item, at)

    def _watched(self) -> bool:
        return self._started is not None

    def _ask_for_text(self) -> Mark | str:
        return FINALIZE

    def _asked(self, stop: Stop, at: float) -> None:
        super()._asked(stop, at)
        self._finalizing.append(stop)

    def _open_text(self) -> bool:
        return bool(self._finals) or self._interim is not None

    def _idle_deadline(self) -> float:
        return self._wrote_at + KEEP_ALIVE_EVERY if self.clock.position else float("inf")

    def _idle(self, at: float) -> list[Output]:
        if at < self._idle_deadline():
            return []
        self._wrote_at = at
        return [KEEP_ALIVE]

    # ── from the server ─────────────────────────────────────────────────────────────────

    def _understand(self, kind: str, fields: Fields) -> list[Output]:
        match kind:
            case "Results":
                return self._results(fields)
            case "UtteranceEnd":
                return self._utterance_end(number(fields, "last_word_end"))
            case "Error":
                return [Note("server_error", "a message of ours was not understood")]
        return []

    def _results(self, fields: Fields) -> list[Output]:
        segment = _segment(fields)
        if len(self._finals) >= MOST_SEGMENTS:
            raise Malformed("more text than can have been said")
        speech_final, from_finalize = flag(fields, "speech_final"), flag(fields, "from_finalize")
        final = flag(fields, "is_final") or speech_final or from_finalize
        self._processed = max(self._processed, segment.end)
        fresh = segment.after(self._delivered)
        if final:
            self._interim = None
            self._finals += [fresh] if fresh.text else []
        else:
            self._interim = fresh if fresh.text else None
        answered = self._answered_by(segment.end) if from_finalize else []
        if not answered and speech_final:
            answered = [s for s in self._stops if self._reaches(segment.end, s.voiced_until)]
        if answered:
            return self._answer(answered, ends_turn=not from_finalize)
        if speech_final and self._finals and not self._stops:
            return self._deliver(None, ends_turn=True)
        return self._show()

    def _answered_by(self, end: float) -> list[Stop]:
        """The stops whose Finalize a result up to `end` answers; they may be answered already."""
        asked = self._finalizing
        answered = [stop for stop in asked if stop.position <= end + _ANSWER_AT]
        if not answered and asked:
            answered = [asked.popleft()]
        for stop in answered:
            if stop in asked:
                asked.remove(stop)
        return [stop for stop in answered if stop in self._stops]

    def _answer(self, stops: list[Stop], *, ends_turn: bool) -> list[Output]:
        out: list[Output] = []
        for stop in stops:
            self._stops.remove(stop)
            out += self._deliver(stop, ends_turn=ends_turn)
        return out

    def _utterance_end(self, last_word_end: float) -> list[Output]:
        """The boundary, unless the text was delivered, or is on its way, or came after it."""
        interim = self._interim
        if interim is not None and interim.last_word_end > last_word_end + SAME_TIME:
            interim = None
        said = [*self._finals, *([interim] if interim else [])]
        if self._stops or not said or said[0].start >= last_word_end:
            return []
        later = None if interim else self._interim
        if interim:
            self._finals.append(interim)
        self._interim = None
        out = self._deliver(None, ends_turn=True)
        self._interim = later
        return out + self._show()

    # ── to the call ─────────────────────────────────────────────────────────────────────

    def _show(self) -> list[Output]:
        segments = (*self._finals, *([self._interim] if self._interim else []))
        shown = " ".join(segment.text for segment in segments)
        if shown == self._shown:
            return []
        self._shown = shown
        if not segments:
            return [Transcript("", final=False)]
        return [transcript(segments, self.clock, final=False)]

    def _deliver_all(self, stop: Stop) -> list[Output]:
        if self._interim:
            self._finals.append(self._interim)
        self._interim = None
        self._stops.remove(stop)
        return self._deliver(stop, ends_turn=False)

    def _deliver(self, stop: Stop | None, *, ends_turn: bool) -> list[Output]:
        segments, self._finals, self._shown = tuple(self._finals), [], ""
        self._settled = self._processed
        if segments:
            self._delivered = max(self._delivered, *(s.last_word_end for s in segments))
            told = transcript(segments, self.clock, final=True, ends_turn=ends_turn)
            return [told]
        return [] if stop is None else [self._no_text(stop)]


def _segment(fields: Fields) -> Segment:
    channel = fields.get("channel")
    alternatives = channel.get("alternatives") if isinstance(channel, dict) else None
    best = alternatives[0] if isinstance(alternatives, list) and alternatives else None
    if not isinstance(best, dict):
        raise Malformed("no alternative")
    start, duration = number(fields, "start"), number(fields, "duration")
    if start < 0 or duration < 0:
        raise Malformed("negative time")
    for name in ("is_final", "speech_final", "from_finalize"):
        flag(fields, name)
    confidence = share(best, "confidence")
    return Segment(
        text(best, "transcript").strip(),
        start,
        start + duration,
        1.0 if confidence is None else confidence,
        words(best),
    )
