"""How callers say numbers, dates and spelled words; English.

Pure: every maker takes the randomness and gives words separated by single spaces.
"""

import random
from collections.abc import Mapping
from typing import Final

from voice_agent.engines.stt.utterance_templates import SlotMaker

UNITS: Final = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS: Final = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen",
    "eighteen", "nineteen",
)  # fmt: skip
TENS: Final = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
MONTHS: Final = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
WEEKDAYS: Final = (
    "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
)  # fmt: skip
_ORDINAL_UNITS: Final = (
    "", "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth",
    "tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth",
    "seventeenth", "eighteenth", "nineteenth",
)  # fmt: skip
LETTERS: Final = "abcdefghijklmnopqrstuvwxyz"
_SPELLING: Final = (
    "alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india",
    "juliet", "kilo", "lima", "mike", "november", "oscar", "papa", "quebec", "romeo",
    "sierra", "tango", "uniform", "victor", "whiskey", "x ray", "yankee", "zulu",
)  # fmt: skip
_RELATIVE_DAYS: Final = (
    "today", "tomorrow", "tomorrow", "the day after tomorrow", "next week", "this week",
    "this weekend", "a week from today", "in two weeks", "in a week", "next month",
    "early next week", "later this week", "the end of the week", "the beginning of next week",
    "tomorrow morning", "tomorrow afternoon", "tomorrow evening", "this afternoon", "tonight",
    "this morning", "the first", "the end of the month",
)  # fmt: skip


def below_hundred(number: int) -> str:
    """A cardinal from 0 to 99."""
    if number < 10:
        return UNITS[number]
    if number < 20:
        return TEENS[number - 10]
    tens, unit = divmod(number, 10)
    return f"{TENS[tens]} {UNITS[unit]}" if unit else TENS[tens]


def ordinal(day: int) -> str:
    """A day of the month, 1 to 31: "twenty first"."""
    if day < 20:
        return _ORDINAL_UNITS[day]
    tens, unit = divmod(day, 10)
    return f"{TENS[tens]} {_ORDINAL_UNITS[unit]}" if unit else f"{TENS[tens][:-1]}ieth"


def cardinal(number: int, *, joined_with_and: str = "") -> str:
    """A cardinal from 0 to 9999; `joined_with_and` goes before the last two digits."""
    if number < 100:
        return below_hundred(number)
    thousands, hundreds, rest = number // 1000, number // 100 % 10, number % 100
    words = [f"{UNITS[thousands]} thousand"] if thousands else []
    words += [f"{UNITS[hundreds]} hundred"] if hundreds else []
    words += [f"{joined_with_and} {below_hundred(rest)}".strip()] if rest else []
    return " ".join(words)


def pair(two: str, zero: str = "oh") -> str:
    """Two digits as a pair: "forty two", "oh seven", "hundred"."""
    if two == "00":
        return "hundred"
    return f"{zero} {UNITS[int(two[1])]}" if two[0] == "0" else below_hundred(int(two))


def digit_by_digit(digits: str, *, zero: str = "oh", doubles: str = "") -> str:
    """One word a digit; with `doubles` ("double") equal neighbours are said together."""
    names = (zero, *UNITS[1:])
    words: list[str] = []
    at = 0
    while at < len(digits):
        twice = bool(doubles) and digits[at : at + 2] == digits[at] * 2
        words.append(f"{doubles} {names[int(digits[at])]}" if twice else names[int(digits[at])])
        at += 2 if twice else 1
    return " ".join(words)


def in_pairs(digits: str, zero: str = "oh") -> str:
    """Pairs from the left, a single last digit alone: "ten forty two"."""
    pieces = [digits[at : at + 2] for at in range(0, len(digits), 2)]
    return " ".join(pair(piece, zero) if len(piece) == 2 else UNITS[int(piece)] for piece in pieces)


def spoken_number(digits: str, chance: random.Random) -> str:
    """A number of two to six digits in one of the ways people say it."""
    zero = "oh" if chance.random() < 0.55 else "zero"
    ways = [digit_by_digit(digits, zero=zero)] * 5 + [in_pairs(digits, zero)] * 4
    ways.append(digit_by_digit(digits, zero=zero, doubles="double"))
    if len(digits) <= 4 and digits[0] != "0":
        ways += [cardinal(int(digits))] * 2 + [cardinal(int(digits), joined_with_and="and")]
    if len(digits) == 4 and digits[2:] != "00":
        ways.append(f"{digit_by_digit(digits[:2], zero=zero)} {below_hundred(int(digits[2:]))}")
    if len(digits) == 5:
        ways.append(f"{digit_by_digit(digits[0])} {in_pairs(digits[1:], zero)}")
    return chance.choice(ways)


def _random_digits(chance: random.Random, fewest: int, most: int) -> str:
    return "".join(str(chance.randrange(10)) for _ in range(chance.randint(fewest, most)))


def _order_id(chance: random.Random) -> str:
    draw = chance.random()
    if draw < 0.65:
        return spoken_number(str(chance.randint(1001, 1050)), chance)
    if draw < 0.9:
        return spoken_number(str(chance.randint(1000, 9999)), chance)
    return spoken_number(str(chance.randint(10000, 999999)), chance)


def _digits(chance: random.Random) -> str:
    return digit_by_digit(
        _random_digits(chance, 1, 9),
        zero=chance.choice(("oh", "zero")),
        doubles=chance.choice(("", "", "double")),
    )


def _phone(chance: random.Random) -> str:
    zero = chance.choice(("oh", "zero"))
    area = chance.choice(("", "", _random_digits(chance, 3, 3)))
    exchange = chance.choice(("555", _random_digits(chance, 3, 3)))
    line = _random_digits(chance, 4, 4)
    last = digit_by_digit(line, zero=zero) if chance.random() < 0.7 else in_pairs(line, zero)
    country = "one" if area and chance.random() < 0.2 else ""
    first = "eight hundred" if area and chance.random() < 0.1 else digit_by_digit(area, zero=zero)
    return " ".join(f"{country} {first} {digit_by_digit(exchange, zero=zero)} {last}".split())


def _confirmation(chance: random.Random) -> str:
    if chance.random() < 0.4:
        return spoken_number(_random_digits(chance, 4, 6), chance)
    letters = " ".join(chance.choices(LETTERS, k=chance.randint(1, 4)))
    letters = chance.choice((letters, "a p t", "a p p t", "c o n f"))
    dash = chance.choice(("", "", "dash"))
    return " ".join(f"{letters} {dash} {_digits(chance)}".split())


def _clock(chance: random.Random) -> str:
    hour = below_hundred(chance.randint(1, 12))
    draw = chance.random()
    if draw < 0.5:
        return hour
    if draw < 0.85:
        return f"{hour} {chance.choice(('thirty', 'thirty', 'fifteen', 'forty five'))}"
    minute = chance.randint(1, 59)
    return f"{hour} oh {UNITS[minute]}" if minute < 10 else f"{hour} {below_hundred(minute)}"


def _date(chance: random.Random) -> str:
    weekday, month = chance.choice(WEEKDAYS), chance.choice(MONTHS)
    day = chance.randint(1, 31)
    named = chance.choice((ordinal(day), ordinal(day), below_hundred(day)))
    ways = (
        weekday, weekday, f"this {weekday}", f"next {weekday}", f"next {weekday}",
        f"{weekday} {chance.choice(('morning', 'afternoon', 'evening', 'next week'))}",
        f"{month} {named}", f"{month} {named}", f"{month} the {ordinal(day)}",
        f"the {ordinal(day)} of {month}", f"the {ordinal(day)}",
        f"{weekday} the {ordinal(day)}", f"{weekday} {month} {named}",
        chance.choice(_RELATIVE_DAYS), chance.choice(_RELATIVE_DAYS),
        chance.choice(_RELATIVE_DAYS),
    )  # fmt: skip
    return chance.choice(ways)


def _spelled(chance: random.Random) -> str:
    length = chance.randint(3, 8)
    if chance.random() < 0.15:
        return " ".join(chance.choices(_SPELLING, k=length))
    letters = chance.choices(LETTERS, k=length)
    if chance.random() < 0.2:
        at = chance.randrange(length)
        letters[at] = f"{letters[at]} as in {_SPELLING[LETTERS.index(letters[at])]}"
    return " ".join(letters)


def _amount(chance: random.Random) -> str:
    dollars = cardinal(chance.choice((chance.randint(1, 99), chance.randint(100, 999))))
    cents = below_hundred(chance.choice((99, 95, 50, chance.randint(10, 98))))
    return chance.choice(
        (f"{dollars} dollars", f"{dollars} dollars and {cents} cents", f"{dollars} {cents}")
    )


ENGLISH: Final[Mapping[str, SlotMaker]] = {
    "order_id": _order_id,
    "digits": _digits,
    "phone": _phone,
    "confirmation": _confirmation,
    "clock": _clock,
    "date": _date,
    "spelled": _spelled,
    "amount": _amount,
}
