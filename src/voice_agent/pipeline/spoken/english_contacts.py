"""Addresses of people and pages, telephone numbers and identifiers, as English speech."""

import re
from typing import Final

from voice_agent.pipeline.spoken.engine import Rule
from voice_agent.pipeline.spoken.english_numbers import (
    cardinal,
    identifier,
    ordinal,
    spelled,
    spelled_in_groups,
)

_TLD: Final = (
    "com|org|net|edu|gov|io|co|dev|app|ai|info|biz|us|uk|ca|de|fr|eu|me|tv|shop|store|example|test"
)
_SPOKEN_DOMAINS: Final = frozenset(
    ["com", "org", "net", "edu", "gov", "dev", "app", "info", "biz", "shop", "store"]
)
_SCHEME: Final = re.compile(r"(?:https?://|mailto:|tel:)?(?:www\.)?", re.IGNORECASE)
_CHARACTER_NAMES: Final = {
    ".": "dot",
    "-": "dash",
    "_": "underscore",
    "+": "plus",
    "@": "at",
    "/": "slash",
    ":": "colon",
    "~": "tilde",
    "%": "percent",
    "&": "and",
    "=": "equals",
}


def web_address(match: re.Match[str]) -> str:
    """Such as "example dot com slash help"; scheme, www, query and fragment stay unsaid."""
    address = re.split(r"[?#]", match.group())[0].rstrip("/")
    bare = address[_SCHEME.match(address).end() :]  # type: ignore[union-attr]
    return _characters_named(bare or match.group())


def _characters_named(address: str) -> str:
    parts = re.findall(r"[A-Za-z]+|[0-9]+|[^A-Za-z0-9\s]", address)
    return " ".join(_address_part(part) for part in parts)


def _address_part(part: str) -> str:
    if part.isdigit():
        return cardinal(int(part)) if len(part) < 3 and part[0] != "0" else spelled(part)
    if not part.isascii() or not part.isalpha():
        return _CHARACTER_NAMES.get(part, part if part.isalpha() else "")
    if len(part) < 3 or (part.lower() not in _SPOKEN_DOMAINS and not _sayable(part)):
        return spelled(part)
    return part


def _sayable(word: str) -> bool:
    low = word.lower()
    vowels = len(re.findall(r"[aeiouy]", low))
    return vowels * 5 >= len(low) and not re.search(r"[^aeiouylrhst]{3}|[^aeiouy]{5}", low)


def telephone(match: re.Match[str]) -> str:
    """Digit by digit in the groups people use; 800 numbers say "eight hundred"."""
    number, _, extension = match.group().lower().partition("x")
    number = re.sub(r"[,;]?\s*(?:e|ext\.?|extension)\s*$", "", number)
    international = number.startswith("+") and not number.startswith("+1")
    groups = _telephone_groups(number)
    said = ", ".join("eight hundred" if group == "800" else spelled(group) for group in groups)
    inner = re.sub(r"\D", "", extension)
    tail = f", extension {identifier(inner)}" if inner else ""
    return ("plus " if international else "") + said + tail


def _telephone_groups(number: str) -> list[str]:
    digits = re.sub(r"\D", "", number)
    country = ["1"] if len(digits) == 11 and digits[0] == "1" else []
    rest = digits[len(country) :]
    if len(rest) == 10 and not (number.startswith("+") and not country):
        return [*country, rest[:3], rest[3:6], rest[6:]]
    if len(rest) == 7:
        return [rest[:3], rest[3:]]
    written = re.findall(r"\d+", number)
    if len(written) > 1 and max(map(len, written)) <= 4:
        return written
    return [part.replace(" ", "") for part in _thirds(digits)]


def _thirds(digits: str) -> list[str]:
    return [digits[i : i + 3] for i in range(0, len(digits), 3)]


def digit_groups(match: re.Match[str]) -> str:
    """Groups as they are written: "one two three, four five, six seven eight nine"."""
    return ", ".join(spelled_in_groups(part) for part in re.findall(r"[A-Za-z0-9]+", match.group()))


def tracking(match: re.Match[str]) -> str:
    """A carrier's number without its own grouping, in threes or fours."""
    return spelled_in_groups(re.sub(r"\W", "", match.group()))


def masked(match: re.Match[str]) -> str:
    """The digits that a mask leaves: "ending in one two three four"."""
    return "ending in " + spelled_in_groups(re.sub(r"\D", "", match.group()))


def code(match: re.Match[str]) -> str:
    """Letters and digits together: spelled, unless the letters are a word (COVID-19)."""
    said: list[str] = []
    wordy = False
    for part in re.findall(r"[^-]+", match.group()):
        if said:
            said.append(" " if wordy or _wordy(part) else ", ")
        said.append(_code_part(part, wordy))
        wordy = _wordy(part)
    return "".join(said)


def _code_part(part: str, after_word: bool) -> str:  # noqa: FBT001 (a fact about the neighbour)
    if not part.isascii():
        return " ".join([*re.findall(r"[^0-9]+", part), spelled(re.sub(r"[^0-9]", "", part))])
    if part.isdigit():
        return identifier(part) if after_word else spelled_in_groups(part)
    mixed = re.fullmatch(r"([A-Za-z]*)([0-9]*)([A-Za-z]*)", part)
    if mixed and _wordy(mixed[1] or mixed[3]) and not (mixed[1] and mixed[3]):
        number = identifier(mixed[2]) if mixed[2] else ""
        return f"{mixed[1]} {number} {mixed[3]}".strip()
    return spelled_in_groups(part)


def _wordy(part: str) -> bool:
    letters = re.sub(r"[0-9]", "", part)
    if re.fullmatch(r"[A-Z]?[a-z]{2,}", letters):
        return _sayable(letters)
    return len(letters) >= 4 and letters.isalpha() and letters.isupper() and _sayable(letters)


_STREETS: Final = {
    "st": "Street",
    "ave": "Avenue",
    "blvd": "Boulevard",
    "rd": "Road",
    "dr": "Drive",
    "ln": "Lane",
    "ct": "Court",
    "pl": "Place",
    "sq": "Square",
    "hwy": "Highway",
    "pkwy": "Parkway",
}
_SIDES: Final = {"N": "North", "S": "South", "E": "East", "W": "West"}
_STREET_ADDRESS: Final = (
    r"\d{1,5} (?:[NSEW]\.? )?(?:(?:[A-Z][a-z]+|\d{1,3}(?:st|nd|rd|th)) ){1,3}"
    r"(?:St|Ave|Blvd|Rd|Dr|Ln|Ct|Pl|Sq|Hwy|Pkwy)(?![A-Za-z])\.?"
)


def street_address(match: re.Match[str]) -> str:
    """Such as "one twenty three Main Street"; a full stop after the last word ends a sentence."""
    number, *names, kind = match.group().split()
    said = [identifier(number)]
    for name in names:
        rank = re.fullmatch(r"(\d+)\D+", name)
        said.append(ordinal(int(rank[1])) if rank else _SIDES.get(name.rstrip("."), name))
    return " ".join([*said, _STREETS[kind.rstrip(".").lower()]]) + sentence_end(match)


_ENDS_SENTENCE: Final = re.compile(r"\s*$|\s+[\"'(]?[A-Z]")


def sentence_end(match: re.Match[str]) -> str:
    """The full stop of an abbreviation when it also ends the sentence, else nothing."""
    ends = match.group().endswith(".") and _ENDS_SENTENCE.match(match.string, match.end())
    return "." if ends else ""


_EXTENSION: Final = r"(?:(?:,? ?(?:ext\.?|extension) ?| ?x)\d{1,6}(?!\w))?"
_NOT_AFTER: Final = r"(?<![\w.,$+-])"

ADDRESSES: Final = (
    Rule(
        re.compile(
            r"(?:mailto:)?[A-Za-z0-9][\w.+%-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+"
        ),
        web_address,
    ),
    Rule(
        re.compile(r"(?i:https?://|www\.)[A-Za-z0-9](?:[^\s<>\"')\],]{0,2000}[A-Za-z0-9/_=-])?"),
        web_address,
    ),
    Rule(
        re.compile(
            rf"(?:[A-Za-z0-9-]{{1,63}}\.){{1,5}}(?:{_TLD})(?![A-Za-z0-9@-])"
            r"(?:/(?:[^\s<>\"')\],]{0,500}[A-Za-z0-9/_=-])?)?"
        ),
        web_address,
    ),
    Rule(re.compile(r"[a-z0-9_]{2,40}\.[a-z][a-z0-9]{1,9}(?![A-Za-z0-9.])"), web_address),
)
CODES: Final = (
    Rule(re.compile(_STREET_ADDRESS), street_address, needs_digit=True),
    Rule(re.compile(r"1Z(?: ?[0-9A-Z]){16}(?![0-9A-Za-z])"), tracking, needs_digit=True),
    Rule(
        re.compile(_NOT_AFTER + r"\d{4}(?:[ -]\d{4}){2,6}(?:[ -]\d{1,4})?(?![\w-])"),
        digit_groups,
        needs_digit=True,
    ),
    Rule(re.compile(_NOT_AFTER + r"\d{3}-\d{2}-\d{4}(?![\w-])"), digit_groups, needs_digit=True),
    Rule(
        re.compile(r"(?<!\w)[xX]{3,}(?:[- ][xX]{3,}){0,4}[- ]?\d{2,4}(?!\d)"),
        masked,
        needs_digit=True,
    ),
)
TELEPHONES: Final = (
    Rule(
        re.compile(r"(?:\+?1[-. ]?)?\(\d{3}\) ?\d{3}[-. ]\d{4}(?!\d)" + _EXTENSION),
        telephone,
        needs_digit=True,
    ),
    Rule(
        re.compile(r"(?:\+?1[-. ])?(?<![\d.,$-])\d{3}[-. ]\d{3}[-. ]\d{4}(?![\d-])" + _EXTENSION),
        telephone,
        needs_digit=True,
    ),
    Rule(
        re.compile(r"(?:\+?1[-. ])\d{3}[-. ]\d{3}[-. ]\d{4}(?![\d-])" + _EXTENSION),
        telephone,
        needs_digit=True,
    ),
    Rule(
        re.compile(_NOT_AFTER + r"\d{3}-\d{4}(?![\d-])" + _EXTENSION), telephone, needs_digit=True
    ),
    Rule(
        re.compile(r"\+\d(?:[ ().-]{0,2}\d){6,14}(?!\d)" + _EXTENSION), telephone, needs_digit=True
    ),
)
IDENTIFIERS: Final = (
    Rule(re.compile(_NOT_AFTER + r"\d+-\d+(?:-\d+)+(?![\w])"), digit_groups, needs_digit=True),
    Rule(
        re.compile(
            _NOT_AFTER
            + r"(?!(?:19|20)\d\d-(?:19|20)\d\d(?!\d)|\d+0-\d+0(?!\d))\d{4,}-\d{3,}(?![\w-])"
        ),
        digit_groups,
        needs_digit=True,
    ),
    Rule(
        re.compile(r"(?=[A-Za-z-]{1,40}\d|\d{1,40}-?[A-Za-z])[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*"),
        code,
        needs_digit=True,
    ),
)
