"""The playout ledger: what was sent, what was played, hence what was *heard*.

Sound is sent a little ahead of time, so at any moment part of it is still on its way. Two
witnesses tell how far the caller's ear has come: our own schedule (sound plays in real time
from when it was sent) and the marks that come back. The smaller of the two is believed, so the
history never claims a word that was not played. A mark that returns after a clear proves nothing.

Positions are seconds of sound within one reply; moments are seconds on the call's clock.
"""

from bisect import bisect_right
from dataclasses import dataclass, field

MARK_RETURN_ALLOWANCE = 0.5
"""How long a mark may be under way before a missing one is taken as `not played yet` (s)."""

ROUNDING = 1e-3
"""Two sums of the same lengths may differ by this much (s): eight samples of a phone."""


@dataclass(slots=True)
class _Spoken:
    """One reply: its text, where its words end in the sound, how much was sent and played."""

    text: str = ""
    word_ends: list[float] = field(default_factory=list)
    text_ends: list[int] = field(default_factory=list)
    queued: float = 0.0
    sent: float = 0.0
    anchor_at: float = 0.0
    anchor_position: float = 0.0
    pending_marks: list[tuple[str, float]] = field(default_factory=list)
    proven: float = 0.0
    cut_at: float | None = None


@dataclass(frozen=True, slots=True)
class HeardText:
    """A reply split at the caller's ear."""

    heard: str
    unheard: str

    @property
    def complete(self) -> bool:
        """Whether all of it was heard."""
        return not self.unheard.strip()


class PlayoutLedger:
    """Keeps the account of one call's replies; only the latest can still change."""

    def __init__(self) -> None:
        self._turn = -1
        self._reply = _Spoken()

    def begin(self, turn: int) -> None:
        """A new reply; what is reported for older ones is ignored from now on."""
        self._turn, self._reply = turn, _Spoken()

    # ── what is said ────────────────────────────────────────────────────────────────────

    def add_text(self, turn: int, text: str) -> int:
        """Append a clause's text, before its sound; returns where it starts in the reply."""
        if turn != self._turn:
            return 0
        start = len(self._reply.text)
        self._reply.text += text
        return start

    def add_word(self, turn: int, *, sound_end: float, text_end: int) -> None:
        """A word of the reply: when it has sounded, the text up to `text_end` was said."""
        if turn != self._turn:
            return
        reply = self._reply
        floor = reply.word_ends[-1] if reply.word_ends else 0.0
        reply.word_ends.append(max(sound_end, floor))
        reply.text_ends.append(max(text_end, reply.text_ends[-1] if reply.text_ends else 0))

    def add_sound(self, turn: int, seconds: float) -> float:
        """Count sound handed to the player; returns the reply's length so far."""
        if turn != self._turn:
            return 0.0
        self._reply.queued += seconds
        return self._reply.queued

    # ── what happens to it ──────────────────────────────────────────────────────────────

    def sent(self, turn: int, seconds: float, at: float) -> None:
        """Sound left for the caller at moment `at`."""
        if turn != self._turn:
            return
        reply = self._reply
        if self._scheduled(at) >= reply.sent:
            reply.anchor_at, reply.anchor_position = at, reply.sent
        reply.sent += seconds

    def mark_sent(self, turn: int, name: str) -> None:
        """A mark went out behind everything sent so far."""
        if turn == self._turn:
            self._reply.pending_marks.append((name, self._reply.sent))

    def mark_reached(self, name: str, at: float) -> bool:
        """A mark came back as played; returns whether it was awaited."""
        reply = self._reply
        for index, (pending, position) in enumerate(reply.pending_marks):
            if pending == name and reply.cut_at is None:
                del reply.pending_marks[: index + 1]
                reply.proven = max(reply.proven, position)
                if position < self._scheduled(at):
                    reply.anchor_at, reply.anchor_position = at, position
                return True
        return False

    def trust_schedule(self, turn: int) -> None:
        """The caller's end keeps its marks to itself: what was due by now counts as played."""
        if turn == self._turn:
            self._reply.pending_marks.clear()

    def cleared(self, at: float) -> None:
        """What had not been played at moment `at` will never be."""
        if self._reply.cut_at is None:
            self._reply.cut_at = self.heard_seconds(at)
            self._reply.pending_marks.clear()

    # ── what was heard ──────────────────────────────────────────────────────────────────

    def heard_seconds(self, at: float) -> float:
        """How much of the reply's sound was heard by `at`; never more than was sent."""
        reply = self._reply
        if reply.cut_at is not None:
            return reply.cut_at
        heard = min(self._scheduled(at), reply.sent)
        if reply.pending_marks:
            overdue = reply.pending_marks[0][1] + MARK_RETURN_ALLOWANCE
            heard = min(heard, overdue)
        return max(heard, reply.proven)

    def heard_text(self, turn: int, at: float) -> HeardText:
        """The reply's text, split after the last word that had been played."""
        if turn != self._turn:
            return HeardText("", "")
        reply = self._reply
        if reply.cut_at is None and 0 < reply.queued <= reply.proven + ROUNDING:
            return HeardText(reply.text, "")
        words = bisect_right(reply.word_ends, self.heard_seconds(at) + ROUNDING)
        end = reply.text_ends[words - 1] if words else 0
        return HeardText(reply.text[:end], reply.text[end:])

    def _scheduled(self, at: float) -> float:
        reply = self._reply
        if reply.sent == 0.0:
            return 0.0
        return min(reply.sent, reply.anchor_position + max(0.0, at - reply.anchor_at))
