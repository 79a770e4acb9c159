"""A caller who follows a script, as a pure machine.

```text
            agent finished, time-out or barge-in moment
LISTENING ───────────────────────────────────────────────▶ SPEAKING / PRESSING
    ▲                                                              │ step done
    └──────────────────────────────────────────────────────────────┘
 script over + reply finished ──▶ hangs up (or stays until the agent hangs up)
```

The agent has *finished* when it was heard since the caller's last own sound, nothing is
waiting to be played and it has been silent for `patience`. A step with `after` does not wait
for that: it starts so many seconds after the agent's current speech began to sound.
"""

from dataclasses import dataclass, field

from voice_agent.core.audio import AudioFormat
from voice_agent.simulation.handset import SILENT, Act, Heard
from voice_agent.simulation.phone_line import FRAME_SECONDS
from voice_agent.simulation.voicing import LoudnessGate

KEY_SPACING = 0.2
"""Seconds between two pressed keys."""


@dataclass(frozen=True, slots=True)
class Utter:
    """Make this sound (in the line's format); `text` is what it says, where known."""

    sound: bytes
    text: str = ""
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Press:
    """Press these keys, one after the other."""

    keys: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Say nothing for so many seconds, whatever the agent does."""

    seconds: float


@dataclass(frozen=True, slots=True)
class HangUp:
    """Put the phone down at once."""

    after: float | None = None


Step = Utter | Press | Wait | HangUp


@dataclass(frozen=True, slots=True)
class Manners:
    """How long a caller waits, all in seconds.

    `patience` is the silence after which the agent has finished, `farewell` the same before
    hanging up, `answer_timeout` the silence nobody can be expected to bear, `longest` the
    whole call. With `stay` the caller never hangs up first.
    """

    patience: float = 0.6
    farewell: float = 1.5
    answer_timeout: float = 15.0
    longest: float = 180.0
    stay: bool = False


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the caller said and when; seconds since the line opened."""

    start: float
    end: float
    text: str
    barged_in: bool


@dataclass(slots=True)
class _Ear:
    """What the caller remembers of the agent since its own last sound."""

    since: float = 0.0
    onset: float | None = None
    last: float = 0.0

    def reset(self, now: float) -> None:
        self.since = self.last = now
        self.onset = None

    def listen(self, heard: Heard) -> None:
        if not heard.voiced:
            return
        if self.onset is None:
            self.onset = heard.now
        self.last = heard.now + FRAME_SECONDS

    def finished(self, heard: Heard, patience: float) -> bool:
        quiet = heard.now - self.last >= patience - FRAME_SECONDS / 2
        return self.onset is not None and quiet and not heard.coming

    def gave_up(self, heard: Heard, timeout: float) -> bool:
        return heard.now - max(self.since, self.last) >= timeout and not heard.coming


@dataclass(slots=True)
class _Progress:
    """Where the caller is in the script."""

    index: int = 0
    offset: int = 0
    busy: bool = False
    began: float = 0.0
    utterances: list[Utterance] = field(default_factory=list)
    unanswered: int = 0


class CallerScript:
    """Acts out the steps, one 20 ms tick at a time."""

    def __init__(self, steps: list[Step], audio: AudioFormat, manners: Manners) -> None:
        """Sounds of the steps are in the format `audio`."""
        self._steps = steps
        self._frame = len(audio.silence(FRAME_SECONDS))
        self._filler = audio.silence(FRAME_SECONDS)
        self._gate = LoudnessGate(audio)
        self._manners = manners
        self._ear = _Ear()
        self._at = _Progress()
        self.gave_up_because = ""

    @property
    def utterances(self) -> list[Utterance]:
        """What was said so far, in order."""
        return self._at.utterances

    @property
    def unanswered(self) -> int:
        """How often the agent did not answer in time."""
        return self._at.unanswered

    def act(self, heard: Heard) -> Act:
        """Decide the next 20 ms."""
        self._ear.listen(heard)
        if heard.now >= self._manners.longest:
            self.gave_up_because = f"the call reached its longest time, {self._manners.longest:g} s"
            return Act(hang_up=True)
        if self._at.index >= len(self._steps):
            return self._after_script(heard)
        step = self._steps[self._at.index]
        if not self._at.busy and not self._begin(step, heard):
            return SILENT
        return self._go_on(step, heard)

    def _begin(self, step: Step, heard: Heard) -> bool:
        if not isinstance(step, Wait) and not self._may_start(step, heard):
            return False
        self._at.busy, self._at.began, self._at.offset = True, heard.now, 0
        if isinstance(step, Utter):
            frames = -(-len(step.sound) // self._frame)
            self._at.utterances.append(
                Utterance(
                    heard.now,
                    heard.now + frames * FRAME_SECONDS,
                    step.text,
                    barged_in=heard.voiced or heard.coming,
                )
            )
        return True

    def _may_start(self, step: Utter | Press | HangUp, heard: Heard) -> bool:
        if isinstance(step, HangUp) and step.after is None:
            return True
        onset = self._ear.onset
        if step.after is None or onset is None:
            return self._answered(heard, self._manners.patience)
        reached = heard.now - onset >= step.after - FRAME_SECONDS / 2
        return reached or self._answered(heard, self._manners.patience)

    def _answered(self, heard: Heard, patience: float) -> bool:
        if self._ear.finished(heard, patience):
            return True
        if self._ear.gave_up(heard, self._manners.answer_timeout):
            self._at.unanswered += self._ear.onset is None
            return True
        return False

    def _go_on(self, step: Step, heard: Heard) -> Act:
        match step:
            case HangUp():
                return Act(hang_up=True)
            case Wait(seconds):
                if heard.now - self._at.began >= seconds - FRAME_SECONDS / 2:
                    self._next()
                return SILENT
            case Press(keys):
                return self._press(keys, heard)
            case Utter():
                return self._speak(step, heard)

    def _press(self, keys: str, heard: Heard) -> Act:
        due = self._at.began + self._at.offset * KEY_SPACING
        if heard.now < due - FRAME_SECONDS / 2:
            return SILENT
        digit = keys[self._at.offset : self._at.offset + 1]
        self._at.offset += 1
        self._ear.reset(heard.now)
        if self._at.offset >= len(keys):
            self._next()
        return Act(keys=digit)

    def _speak(self, step: Utter, heard: Heard) -> Act:
        frame = step.sound[self._at.offset : self._at.offset + self._frame]
        frame += self._filler[len(frame) :]
        self._at.offset += self._frame
        if self._gate.voiced(frame):
            self._ear.reset(heard.now + FRAME_SECONDS)
        if self._at.offset >= len(step.sound):
            self._next()
        return Act(frame)

    def _next(self) -> None:
        self._at.index += 1
        self._at.busy = False

    def _after_script(self, heard: Heard) -> Act:
        if self._manners.stay:
            return SILENT
        return Act(hang_up=self._answered(heard, self._manners.farewell))
