"""Deepgram's `/v2/listen`, spoken by the Flux models, as values.

The server keeps turns itself: each message tells the whole text of the turn so far, and what
has become of the turn. Sound must never stop, or a turn never ends; so pauses are filled.
"""

import re
from dataclasses import dataclass, replace
from typing import Final

from voice_agent.core.audio import AudioFormat
from voice_agent.core.speech import Transcript, TurnEndExpected, TurnResumed, Word
from voice_agent.engines.stt.deepgram.messages import (
    Fields,
    Malformed,
    Segment,
    number,
    share,
    text,
    transcript,
    whole,
    words,
)
from voice_agent.engines.stt.deepgram.protocol import (
    Mark,
    Note,
    Output,
    Padding,
    SpeechProtocol,
    Stop,
)

FORCE_END_TURN: Final = '{"type":"ForceEndTurn"}'
PADDING: Final = 0.5
"""Pause in the caller's sound that is filled, and the length of the filling (s)."""
_CODE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class _TurnInfo:
    """One message about a turn; the segment holds all of its text so far."""

    event: str
    turn: int
    sequence: int | None
    segment: Segment
    certainty: float | None
    trigger: str


@dataclass(frozen=True, slots=True)
class _Cut:
    """How much of a turn was delivered before its end; the end repeats it."""

    until: float
    words: int

    def rest(self, segment: Segment) -> Segment:
        """What was said since."""
        if segment.words:
            later = [w for w in segment.words if (w.start + w.end) / 2 >= self.until]
            return _of_words(segment, tuple(later))
        return replace(segment, text=" ".join(segment.text.split()[self.words :]))


class FluxProtocol(SpeechProtocol):
    """One stream of `/v2/listen`."""

    covers_within = 0.3

    def __init__(
        self,
        at: float,
        audio: AudioFormat,
        *,
        turn_end_within: float = 0.6,
        force_end_turn: bool = False,
    ) -> None:
        """`turn_end_within` is the wait (s) for the turn's end after a `SpeechStopped`."""
        super().__init__(at)
        self.text_within = turn_end_within
        self._silence = audio
        self._may_force = force_end_turn
        self._forced = False
        self._sequence = -1
        self._turn = -1
        self._ended = -1
        self._current: Segment | None = None
        self._cut: _Cut | None = None
        self._held: list[Segment] = []
        self._end_expected = False
        self._certainty: float | None = None

    def _ask_for_text(self) -> Mark | str:
        return Mark()

    def _open_text(self) -> bool:
        return bool(self._said())

    def _idle_deadline(self) -> float:
        return self._sound_at + PADDING

    def _idle(self, at: float) -> list[Output]:
        if at < self._idle_deadline():
            return []
        self._sound_at = at
        return [Padding(self._silence.silence(PADDING), PADDING)]

    # ── from the server ─────────────────────────────────────────────────────────────────

    def _understand(self, kind: str, fields: Fields) -> list[Output]:
        sequence = whole(fields, "sequence_id")
        if sequence is not None and sequence <= self._sequence:
            return [Note("repeated_message", f"number {sequence}")]
        out = self._act(kind, fields)
        if sequence is None:
            return out
        missed, self._sequence = sequence - self._sequence - 1, sequence
        return [*out, Note("missed_messages", str(missed))] if missed else out

    def _act(self, kind: str, fields: Fields) -> list[Output]:
        match kind:
            case "TurnInfo":
                return self._turn_info(_turn_info(fields))
            case "Error":
                return self._fail(f"the server reported {_code(fields)}")
            case "Warning" | "ConfigureFailure":
                return [Note("server_warning", _code(fields))]
        return []

    def _turn_info(self, info: _TurnInfo) -> list[Output]:
        if info.turn < self._turn or info.turn <= self._ended:
            return [Note("stale_turn", f"turn {info.turn}")]
        out = self._begin_turn(info.turn) if info.turn > self._turn else []
        self._processed = max(self._processed, info.segment.end)
        self._current, self._certainty = info.segment, info.certainty
        match info.event:
            case "EndOfTurn":
                return out + self._end_turn(info)
            case "EagerEndOfTurn":
                return out + self._expect_end(info)
            case "TurnResumed" if self._end_expected:
                self._end_expected = False
                out.append(TurnResumed())
        return out + self._show(info.certainty)

    def _begin_turn(self, turn: int) -> list[Output]:
        """The text of a turn whose end was never told is not lost."""
        self._hold()
        self._turn, self._certainty = turn, None
        self._cut, self._forced, self._end_expected = None, False, False
        return self._settle(ends_turn=True, completeness=None) if self._held else []

    def _expect_end(self, info: _TurnInfo) -> list[Output]:
        out = self._show(info.certainty)
        said = " ".join(segment.text for segment in self._said())
        if not said:
            return out
        self._end_expected = True
        return [*out, TurnEndExpected(said)]

    def _end_turn(self, info: _TurnInfo) -> list[Output]:
        self._hold()
        self._ended = info.turn
        self._cut, self._forced, self._end_expected = None, False, False
        return self._settle(ends_turn=info.trigger != "manual", completeness=info.certainty)

    # ── to the call ─────────────────────────────────────────────────────────────────────

    def _said(self) -> list[Segment]:
        rest = self._rest()
        return [*self._held, *([rest] if rest is not None else [])]

    def _rest(self) -> Segment | None:
        """What the open turn holds that was not delivered."""
        if self._current is None:
            return None
        rest = self._cut.rest(self._current) if self._cut else self._current
        return rest if rest.text else None

    def _hold(self) -> None:
        self._held, self._current = self._said(), None

    def _settle(self, *, ends_turn: bool, completeness: float | None) -> list[Output]:
        """A turn is over: its text answers the stops it reaches, or is news to the call."""
        answered = [s for s in self._stops if self._reaches(self._processed, s.voiced_until)]
        if not answered and self._stops:
            return self._show(completeness)
        if not answered:
            return self._deliver(None, ends_turn=ends_turn, completeness=completeness)
        out: list[Output] = []
        for stop in answered:
            out += self._deliver(stop, ends_turn=ends_turn, completeness=completeness)
        return out

    def _show(self, completeness: float | None) -> list[Output]:
        said = tuple(self._said())
        shown = " ".join(segment.text for segment in said)
        if shown == self._shown:
            return []
        self._shown = shown
        if not said:
            return [Transcript("", final=False)]
        return [transcript(said, self.clock, final=False, completeness=completeness)]

    def _text_is_late(self, stop: Stop, at: float) -> list[Output]:
        if self._may_force and not self._forced and self._rest() is not None:
            self._forced = True
            stop.deadline = at + self.text_within
            return [FORCE_END_TURN]
        return super()._text_is_late(stop, at)

    def _deliver_all(self, stop: Stop) -> list[Output]:
        if self._current is not None and self._current.text:
            whole_turn = self._current
            self._hold()
            self._cut = _Cut(whole_turn.last_word_end, len(whole_turn.text.split()))
        self._end_expected = False
        return self._deliver(stop, ends_turn=False, completeness=self._certainty)

    def _deliver(
        self, stop: Stop | None, *, ends_turn: bool, completeness: float | None
    ) -> list[Output]:
        segments, self._held, self._shown = tuple(self._held), [], ""
        self._settled = self._processed
        if stop is not None:
            self._stops.remove(stop)
        if not segments:
            return [] if stop is None else [self._no_text(stop)]
        told = transcript(
            segments, self.clock, final=True, ends_turn=ends_turn, completeness=completeness
        )
        return [told]


def _turn_info(fields: Fields) -> _TurnInfo:
    turn = whole(fields, "turn_index")
    if turn is None or turn < 0:
        raise Malformed("turn_index is missing")
    start, end = number(fields, "audio_window_start"), number(fields, "audio_window_end")
    if not 0 <= start <= end:
        raise Malformed("the window's times are out of order")
    heard: tuple[Word, ...] = words(fields)
    segment = Segment(
        text(fields, "transcript").strip(),
        heard[0].start if heard else start,
        end,
        min((word.confidence for word in heard), default=1.0),
        heard,
    )
    trigger = fields.get("trigger")
    return _TurnInfo(
        text(fields, "event"),
        turn,
        whole(fields, "sequence_id"),
        segment,
        share(fields, "end_of_turn_confidence"),
        trigger if isinstance(trigger, str) else "",
    )


def _of_words(segment: Segment, later: tuple[Word, ...]) -> Segment:
    said = " ".join(word.text for word in later)
    return replace(segment, text=said, words=later, start=later[0].start if later else segment.end)


def _code(fields: Fields) -> str:
    code = fields.get("code")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else "an unnamed code"
