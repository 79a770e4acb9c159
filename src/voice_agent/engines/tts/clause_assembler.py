"""One clause put together from what a provider sends: whole samples, and words with times."""

from collections.abc import Iterator, Sequence
from typing import Final

from voice_agent.core.audio import AudioFormat
from voice_agent.core.speech import SpokenAudio, SpokenWord
from voice_agent.engines.tts.clause_events import Sound, TimedText, WordTimes
from voice_agent.engines.tts.phrasing import printable
from voice_agent.engines.tts.word_pairing import WordPairing

LONGEST_TEXT: Final = 4000
"""Characters in one clause."""
_MARKUP_SIGNS: Final = str.maketrans("<>[]", "    ")


def sayable(text: str) -> str:
    """The text on one line without signs that a provider may take for markup."""
    plain = printable(text).translate(_MARKUP_SIGNS).replace("&", " and ")
    return " ".join(plain.split())


def has_sound(text: str) -> bool:
    """Whether there is anything to pronounce."""
    return any(character.isalnum() for character in text)


class ClauseAssembler:
    """Takes the provider's events of one clause in order."""

    def __init__(self, text: str, audio: AudioFormat) -> None:
        """`text` is the clause as requested, `audio` the format asked for."""
        tokens = printable(text).split()
        self._tokens = tokens
        self._pairing = WordPairing(tokens)
        self._format = audio
        self._carry = b""
        self._letters = _LetterJoiner()
        self._clock = 0
        self._unaligned_from: float | None = None

    @property
    def seconds(self) -> float:
        """Sound so far."""
        return self._clock / self._format.bytes_per_second

    def take(self, event: Sound | WordTimes) -> Iterator[SpokenAudio | SpokenWord]:
        """The next event; sound comes out in whole samples."""
        if isinstance(event, WordTimes):
            yield from self._pair(self._letters.words_only(event.words))
            return
        begins = self.seconds
        audio = self._whole_samples(event.data)
        if event.letters:
            yield from self._align(event, begins)
        elif event.data and self._unaligned_from is None:
            self._unaligned_from = begins
        if audio:
            yield SpokenAudio(audio)

    @property
    def broken_off(self) -> bool:
        """Whether the times, where there are any, end before the text does; ask when finished."""
        return not self._pairing.complete

    def finish(self) -> Iterator[SpokenWord]:
        """The clause is over: the last words."""
        yield from self._pair(self._letters.finish())
        yield from self._pairing.finish(self.seconds)

    def silent_words(self) -> Iterator[SpokenWord]:
        """The words of a clause that has nothing to pronounce."""
        for token in self._tokens:
            yield SpokenWord(token, 0.0, 0.0)

    def _whole_samples(self, data: bytes) -> bytes:
        data = self._carry + data
        whole = len(data) - len(data) % self._format.bytes_per_sample
        self._carry = data[whole:]
        self._clock += whole
        return data[:whole]

    def _align(self, event: Sound, begins: float) -> Iterator[SpokenWord]:
        offset = begins
        if event.from_clause_start:
            offset = 0.0
        elif not event.data and self._unaligned_from is not None:
            offset = self._unaligned_from
        self._unaligned_from = None
        yield from self._pair(self._letters.join(event.letters, offset))

    def _pair(self, words: Sequence[TimedText]) -> Iterator[SpokenWord]:
        for word in words:
            yield from self._pairing.add(word)


class _LetterJoiner:
    """Letters to words, across pieces, without the tags of a markup."""

    def __init__(self) -> None:
        self._word: TimedText | None = None
        self._in_tag = False

    def join(self, letters: Sequence[TimedText], offset: float) -> list[TimedText]:
        """The words that the letters complete, `offset` seconds later."""
        words: list[TimedText] = []
        for letter in letters:
            text = self._outside_tags(letter.text)
            if letter.text.isspace() or (letter.text and not text):
                words += self.finish()
            elif text:
                self._grow(TimedText(text, letter.start + offset, letter.end + offset))
        return words

    def finish(self) -> list[TimedText]:
        """The word that was still growing."""
        word, self._word = self._word, None
        return [word] if word else []

    def words_only(self, words: Sequence[TimedText]) -> list[TimedText]:
        """Whole words, without tags among them."""
        kept = [TimedText(self._outside_tags(w.text), w.start, w.end) for w in words]
        return [word for word in kept if word.text]

    def _grow(self, letter: TimedText) -> None:
        if self._word is None:
            self._word = letter
        else:
            self._word = TimedText(
                self._word.text + letter.text,
                self._word.start,
                max(self._word.end, letter.end),
            )

    def _outside_tags(self, text: str) -> str:
        kept = []
        for character in text:
            if character == "<":
                self._in_tag = True
            elif character == ">":
                self._in_tag = False
            elif not self._in_tag:
                kept.append(character)
        return "".join(kept)
