"""English number words: American, no hyphens, no "and"."""

from typing import Final

DIGITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS: Final = (
    *("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
_TENS: Final = (
    *("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"),
)
_SCALES: Final = ("", "thousand", "million", "billion", "trillion", "quadrillion", "quintillion")
_IRREGULAR: Final = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
SPELLED: Final = frozenset(DIGITS) | {"oh"}
"""The words for one digit."""


def below_hundred(value: int) -> str:
    """0 to 99: "forty two"."""
    if value < 10:
        return DIGITS[value]
    if value < 20:
        return _TEENS[value - 10]
    tens = _TENS[value // 10]
    return f"{tens} {DIGITS[value % 10]}" if value % 10 else tens


def _below_thousand(value: int) -> str:
    hundreds, rest = divmod(value, 100)
    if not hundreds:
        return below_hundred(rest)
    head = f"{DIGITS[hundreds]} hundred"
    return f"{head} {below_hundred(rest)}" if rest else head


def cardinal(value: int) -> str:
    """How many: "one thousand forty two"; past quintillions digit by digit."""
    if value >= 1000 ** len(_SCALES):
        return spelled_in_groups(str(value))
    if value == 0:
        return DIGITS[0]
    parts: list[str] = []
    for scale in _SCALES:
        value, part = divmod(value, 1000)
        if part:
            parts.append(f"{_below_thousand(part)} {scale}".strip())
    return " ".join(reversed(parts))


def ordinal(value: int) -> str:
    """Which one: "twenty first"."""
    head, _, last = cardinal(value).rpartition(" ")
    return f"{head} {_ordinal_word(last)}".strip()


def _ordinal_word(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    return word[:-1] + "ieth" if word.endswith("y") else word + "th"


def plural_ordinal(value: int, count: int) -> str:
    """The lower part of a fraction: "quarter", "thirds", "halves"."""
    if value == 2:
        return "half" if count == 1 else "halves"
    word = "quarter" if value == 4 else ordinal(value)
    return word if count == 1 else word + "s"


def year(value: int) -> str:
    """A year: "nineteen oh five", "two thousand one", "twenty twenty six"."""
    if 2000 <= value < 2010 or value < 1000 or value > 9999:
        return cardinal(value)
    return four_digits(f"{value:04d}")


def four_digits(digits: str) -> str:
    """Four digits as two pairs: "ten forty two", "sixteen hundred", "twenty oh five"."""
    high, low = int(digits[:2]), int(digits[2:])
    if low == 0:
        return cardinal(int(digits)) if high % 10 == 0 else f"{below_hundred(high)} hundred"
    return f"{below_hundred(high)} {_low_pair(low)}"


def _low_pair(value: int) -> str:
    return f"oh {DIGITS[value]}" if value < 10 else below_hundred(value)


def identifier(digits: str) -> str:
    """The number of an order, a room or a house, the way clerks say it."""
    if len(digits) > 4 or (digits[0] == "0" and len(digits) > 1):
        return spelled_in_groups(digits)
    if len(digits) == 4:
        return four_digits(digits)
    if len(digits) == 3 and digits[1:] != "00":
        return f"{DIGITS[int(digits[0])]} {_low_pair(int(digits[1:]))}"
    return cardinal(int(digits))


def spelled(characters: str) -> str:
    """Letters as capitals and digits as words, one by one; other characters are left out."""
    return " ".join(
        DIGITS[int(char)] if char in "0123456789" else char.upper()
        for char in characters
        if char.isalnum()
    )


def group_sizes(length: int) -> list[int]:
    """Cut a run into fours and threes: 18 is six threes, 22 is four fours and two threes."""
    if length <= 4:
        return [length]
    if length == 5:
        return [3, 2]
    if length % 3 == 0 and length % 4:
        return [3] * (length // 3)
    fours = next(n for n in range(length // 4, -1, -1) if (length - 4 * n) % 3 == 0)
    return [4] * fours + [3] * ((length - 4 * fours) // 3)


def spelled_in_groups(characters: str) -> str:
    """Spell a long run with a short pause after each group of three or four."""
    groups: list[str] = []
    start = 0
    for size in group_sizes(len(characters)):
        groups.append(spelled(characters[start : start + size]))
        start += size
    return ", ".join(groups)


def decimal(text: str) -> str:
    """A plain written number, thousands commas allowed: "five point five"."""
    whole, point, part = text.replace(",", "").partition(".")
    head = cardinal(int(whole)) if whole else DIGITS[0]
    return f"{head} point {spelled(part)}" if point and part else head


def is_one(text: str) -> bool:
    """Whether a unit after this number stays singular."""
    return text.strip() in {"1", "-1"}
