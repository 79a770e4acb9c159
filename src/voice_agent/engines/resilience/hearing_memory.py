"""What a recogniser was given and has not yet turned into final text, to be given to another.

Sound is kept from a little before the caller began to speak until the final text of that
stretch is there. When another recogniser takes over it hears it again. Of a long stretch only
the last seconds are played again, if the first recogniser had told the times of its words so
far: the older words are kept as text.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from voice_agent.core.audio import AudioFrame
from voice_agent.core.ports import RecognizerInput
from voice_agent.core.speech import Expectation, SpeechStarted, SpeechStopped, Transcript

LEAD_IN: Final = 0.6
"""Sound heard again from before the caller began to speak (s)."""
UNNOTICED: Final = 12.0
"""Sound kept while nobody was noticed to speak: the notice comes later than the sound (s)."""
REPLAY: Final = 3.0
"""How much of a long stretch is heard again where words before it have known times (s)."""
LONGEST: Final = 30.0
"""Sound kept at most (s)."""


@dataclass(slots=True)
class HearingMemory:
    """Remembers one call's unfinished speech; all times are seconds on the caller's clock."""

    _items: deque[AudioFrame | SpeechStarted | SpeechStopped] = field(default_factory=deque)
    _seconds: float = 0.0
    _expectation: Expectation | None = None
    _interim: Transcript | None = None
    _kept: str = ""
    _open_from: float | None = None

    def note(self, item: RecognizerInput) -> None:
        """The recogniser was given this."""
        match item:
            case Expectation():
                self._expectation = item
                return
            case AudioFrame():
                self._seconds += item.duration
        self._items.append(item)
        limit = LONGEST if self.speaking else UNNOTICED
        while self._seconds > limit:
            self._forget_first()

    @property
    def unnoticed(self) -> float:
        """Seconds of sound of which nobody has said yet whether there is speech in it."""
        return 0.0 if self.speaking else self._seconds

    @property
    def speaking(self) -> bool:
        """Whether there is speech whose final text has not come."""
        return any(isinstance(item, SpeechStarted | SpeechStopped) for item in self._items)

    def complete(self, transcript: Transcript) -> Transcript:
        """The recogniser's text, with the words kept from before it took over in front."""
        if transcript.final:
            self._forget_stretch(transcript.end)
        text = " ".join(filter(None, (self._kept, transcript.text.strip())))
        whole = replace(transcript, text=text) if self._kept else transcript
        if transcript.final:
            self._kept, self._interim = "", None
        else:
            self._interim = transcript
        return whole

    def replay(self) -> Sequence[RecognizerInput]:
        """Everything a new recogniser must be given first, in order."""
        since = self._keep_old_words()
        items: list[RecognizerInput] = []
        if self._expectation is not None:
            items.append(self._expectation)
        late = [i for i in self._items if not isinstance(i, AudioFrame) or i.end > since]
        return [*items, *late]

    def _keep_old_words(self) -> float:
        """Keep words older than the replay as text; returns where the replay starts."""
        began = [item.at for item in self._items if isinstance(item, SpeechStarted)]
        last = next((i.end for i in reversed(self._items) if isinstance(i, AudioFrame)), 0.0)
        words = self._interim.words if self._interim is not None else ()
        old = [word for word in words if 0 < word.end <= last - REPLAY]
        self._interim = None
        if not old:
            if self._open_from is not None and not began:
                return self._open_from
            return (began[0] if began else last) - LEAD_IN
        self._kept = " ".join((*filter(None, (self._kept,)), *(word.text for word in old)))
        while self._items and isinstance(i := self._items[0], AudioFrame) and i.end <= old[-1].end:
            self._forget_first()
        return old[-1].end

    def _forget_stretch(self, end: float) -> None:
        """Up to the end of speech that this final text answers."""
        stopped = any(isinstance(item, SpeechStopped) for item in self._items)
        self._open_from = None if stopped else end
        while stopped and not isinstance(self._forget_first(), SpeechStopped):
            pass
        if not stopped:
            self._forget_until(end)

    def _forget_until(self, end: float) -> None:
        """The recogniser found the end of the turn itself; what was said after it stays."""
        while self._items:
            first = self._items[0]
            if isinstance(first, AudioFrame) and end and first.start >= end:
                return
            self._forget_first()

    def _forget_first(self) -> AudioFrame | SpeechStarted | SpeechStopped:
        item = self._items.popleft()
        if isinstance(item, AudioFrame):
            self._seconds -= item.duration
        return item
