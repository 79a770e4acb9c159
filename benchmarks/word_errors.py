"""Word error rate: the fewest words to change, add or drop, over the words spoken."""

from dataclasses import dataclass


@dataclass(slots=True)
class WordErrors:
    """Errors and words of some sentences together."""

    errors: int = 0
    words: int = 0

    def add(self, said: str, heard: str) -> int:
        """Count one sentence; returns its errors."""
        errors = word_errors(said.split(), heard.split())
        self.errors += errors
        self.words += len(said.split())
        return errors

    @property
    def rate(self) -> float:
        """Per cent."""
        return 100 * self.errors / max(self.words, 1)


def word_errors(said: list[str], heard: list[str]) -> int:
    """Levenshtein's distance in words."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, 1):
        last, row = row, [number]
        for place, other in enumerate(heard, 1):
            row.append(min(last[place] + 1, row[-1] + 1, last[place - 1] + (word != other)))
    return row[-1]
