"""Abbreviations, initials, acronyms, symbols and pauses as English speech."""

import re
from typing import Final

from voice_agent.pipeline.spoken.characters import KEPT
from voice_agent.pipeline.spoken.engine import Rule
from voice_agent.pipeline.spoken.english_contacts import sentence_end
from voice_agent.pipeline.spoken.english_numbers import SPELLED

LETTER: Final = r"[^\x00-@\[-`{-\x7f" + KEPT + "]"
_WORD: Final = rf"{LETTER}+(?:'{LETTER}+)*"

DOTTED: Final = {
    "mr": "Mister",
    "mrs": "Missus",
    "ms": "Miz",
    "messrs": "Messieurs",
    "prof": "Professor",
    "rev": "Reverend",
    "gov": "Governor",
    "sen": "Senator",
    "sgt": "Sergeant",
    "capt": "Captain",
    "lt": "Lieutenant",
    "jr": "Junior",
    "sr": "Senior",
    "ave": "Avenue",
    "blvd": "Boulevard",
    "rd": "Road",
    "hwy": "Highway",
    "dept": "department",
    "inc": "incorporated",
    "corp": "corporation",
    "ltd": "limited",
    "vs": "versus",
    "etc": "et cetera",
    "e.g": "for example",
    "i.e": "that is",
    "approx": "approximately",
    "apt": "apartment",
    "tel": "telephone",
    "ext": "extension",
    "misc": "miscellaneous",
    "qty": "quantity",
    "avg": "average",
    "govt": "government",
    "attn": "attention",
    "est": "estimated",
    "a.k.a": "also known as",
}
TITLES: Final = frozenset(
    [
        "mr",
        "mrs",
        "ms",
        "messrs",
        "dr",
        "prof",
        "rev",
        "gov",
        "sen",
        "sgt",
        "capt",
        "lt",
        "st",
        "e.g",
        "i.e",
        "vs",
        "approx",
        "attn",
        "ext",
        "tel",
        "no",
        "nos",
        "est",
    ]
)
"""Abbreviations after which a sentence never ends."""
_BARE: Final = {
    "mr": "Mister",
    "mrs": "Missus",
    "ms": "Miz",
    "vs": "versus",
    "approx": "approximately",
    "w/o": "without",
    "w/": "with",
}
_SPELLED_ACRONYMS: Final = frozenset(
    [
        "USA",
        "US",
        "UK",
        "EU",
        "UPS",
        "USPS",
        "ETA",
        "FAQ",
        "ATM",
        "PO",
        "ID",
        "VIP",
        "IT",
        "RMA",
        "EST",
        "API",
        "URL",
        "DIY",
        "CEO",
        "CFO",
        "CTO",
        "AI",
        "IP",
        "GPS",
        "USB",
        "IRA",
        "APR",
        "AM",
    ]
) - {"IT", "AM", "US"}
_SYMBOLS: Final = {
    "&": "and",
    "@": "at",
    "%": "percent",
    "°": "degrees",
    "~": "about",
    "≈": "about",
    "±": "plus or minus",
    "×": "times",
    "÷": "divided by",
    "≤": "at most",
    "≥": "at least",
    "≠": "is not",
    "№": "number",
    "$": "dollars",
    "€": "euros",
    "£": "pounds",
    "¥": "yen",
    "₹": "rupees",
    "¢": "cents",
    "+": "plus",
    "++": "plus plus",
    "=": "equals",
    "<": "less than",
    ">": "greater than",
}
_RANGE_BEFORE: Final = re.compile(
    r"(?:[0-9%°\"]|[AaPp]\.?[Mm]\.?|[0-9](?:st|nd|rd|th|[a-zA-Z]{1,2})) ?$"
)


def verbatim(match: re.Match[str]) -> str:
    """As it is written."""
    return match.group()


def nothing(_match: re.Match[str]) -> str:
    """Not said."""
    return ""


def symbol(match: re.Match[str]) -> str:
    """A symbol with a name."""
    return _SYMBOLS[match.group().strip()]


def comma(_match: re.Match[str]) -> str:
    """A short pause."""
    return ","


def ellipsis(match: re.Match[str]) -> str:
    """A short pause inside a sentence, a full one at its end."""
    rest = match.string[match.end() : match.end() + 3].strip()
    return "." if not rest or rest[0].isupper() else ","


def stop(match: re.Match[str]) -> str:
    """The strongest mark of a run such as "?!"."""
    text = match.group()
    return "?" if "?" in text else "!" if "!" in text else "."


def dash_before_number(match: re.Match[str]) -> str:
    """Say "to" in a range, "minus" before a lone number, a pause after a word."""
    before = match.string[max(0, match.start() - 8) : match.start()]
    if _RANGE_BEFORE.search(before):
        spaced = match.group() == " - " and "=" in match.string[match.end() : match.end() + 20]
        return "minus" if spaced else "to"
    glued = not match.group().endswith(" ") and (
        match.group()[0] == " " or match.start() == 0 or not before or not before[-1].isalnum()
    )
    return "minus" if glued and match.group().strip() == "-" else ","


def dotted(match: re.Match[str]) -> str:
    """Such as "Mr." and its like; the stop stays when it also ends the sentence."""
    key = match.group()[:-1].lower()
    return DOTTED[key] + ("" if key in TITLES else sentence_end(match))


def bare(match: re.Match[str]) -> str:
    """Abbreviations without a stop."""
    return _BARE[match.group().lower()]


_STREET_BEFORE: Final = re.compile(r"[a-z0-9,] (?:[A-Z][a-z]+ ){0,2}[A-Z][a-z]+ $|^[A-Z][a-z]+ $")
_OPENERS: Final = re.compile(
    r"\s*$|\s+(?:[^A-Z\s]|(?:The|We|Our|It|Its|You|Your|I|Is|Please|They|This|That|There|He|She|If|For|In|On|At)\b)"
)


def saint_or_street(match: re.Match[str]) -> str:
    """Such as "St. Louis" or "Main St."; "Dr. Lee" or "Oak Dr."."""
    place = {"st": "Street", "dr": "Drive"}[match.group()[:2].lower()]
    person = {"st": "Saint", "dr": "Doctor"}[match.group()[:2].lower()]
    before = match.string[max(0, match.start() - 40) : match.start()]
    after_name = _STREET_BEFORE.search(before) and _OPENERS.match(match.string, match.end())
    return place + sentence_end(match) if after_name else person


def letters_with_dots(match: re.Match[str]) -> str:
    """Such as "U.S.", "a.m.", "P.O."."""
    return " ".join(re.findall(r"[A-Za-z]", match.group())).upper() + sentence_end(match)


_NAME_BEFORE: Final = re.compile(r"(?:^|[.,;:!?(]|\b[A-Z][A-Za-z'.]+) ?$")
NOT_NAMES: Final = re.compile(
    r"(?i)\b(?:plan|option|type|grade|vitamin|group|gate|terminal|section|part|unit|building"
    r"|suite|step|zone|room) $"
)


def initial(match: re.Match[str]) -> str:
    """Such as "J. K. Rowling": no pause after the letter, unless it ends a sentence."""
    before = match.string[max(0, match.start() - 24) : match.start()]
    named = _NAME_BEFORE.search(before) or re.match(
        r" ?[A-Z]\.", match.string[match.end() : match.end() + 4]
    )
    is_name = named and not NOT_NAMES.search(before)
    return match.group()[0] if is_name else match.group()[0] + " ."


def acronym(match: re.Match[str]) -> str:
    """Capitals that are not a word are spelled: "U P S"; in a shouted text they stay."""
    letters, tail = match["letters"], match["tail"] or ""
    around = match.string[max(0, match.start() - 40) : match.end() + 40]
    shouted = around.isupper() and " " in around.strip()
    speakable = re.search(r"[AEIOUY]", letters) and letters not in _SPELLED_ACRONYMS
    if (
        letters == "US"
        and not shouted
        and re.search(
            r"(?i)\b(?:the|in|within) $", match.string[max(0, match.start() - 8) : match.start()]
        )
    ):
        speakable = None
    if (shouted and letters != "USPS") or speakable or len(letters) > 5:
        return letters + tail
    return " ".join(letters) + tail


def article(match: re.Match[str]) -> str:
    """The article is small, so that a capital A is always the letter."""
    following = re.match(r" ([a-z]+)", match.string[match.end() : match.end() + 12])
    return "A" if following and following[1] in SPELLED else "a"


_DOTTED_NAMES: Final = "|".join(re.escape(name) for name in sorted(DOTTED, key=len, reverse=True))
_SPACED_SYMBOL: Final = r"(?<![^\s\d)])(?:\+{1,2}|=|<|>|@)(?=\s|\d)"

FIRST: Final = (
    Rule(re.compile(r"(?!(?:vs|approx|mr|ms|mrs) )[a-z]{2,}(?= [a-z]|, [a-z])"), verbatim),
)
ABBREVIATIONS: Final = (
    Rule(re.compile(rf"(?<![A-Za-z.'])(?i:{_DOTTED_NAMES})\.(?![A-Za-z])"), dotted),
    Rule(
        re.compile(r"(?<![A-Za-z.'])(?:(?:St|Dr)\.|Dr(?= [A-Z])|St(?= [A-Z][a-z]+(?:[,. ]|$)))"),
        saint_or_street,
    ),
    Rule(
        re.compile(
            r"(?<![A-Za-z.'])(?:(?:Mrs?|Ms)(?= [A-Z])|(?i:vs|approx)(?![A-Za-z'.])|w/o?(?= ))"
        ),
        bare,
    ),
    Rule(re.compile(r"(?<![A-Za-z.'])(?:[A-Za-z]\.){2,}(?![A-Za-z])"), letters_with_dots),
    Rule(re.compile(r"(?<![A-Za-z.'])[A-Z]\.(?= ?[A-Z][A-Za-z.])"), initial),
    Rule(re.compile(r"(?<![A-Za-z'])A(?= [a-z]{2})"), article),
    Rule(re.compile(r"(?<![A-Za-z'])(?P<letters>[A-Z]{2,6})(?P<tail>'?s)?(?![A-Za-z'])"), acronym),
)
WORDS: Final = (
    Rule(re.compile(_WORD), verbatim),
    Rule(re.compile(r"(?:\s?[-–—]|—)\s?(?=[$€£]?\.?\d)"), dash_before_number, needs_digit=True),
    Rule(re.compile(r"\.{2,}|…"), ellipsis),
    Rule(re.compile(r"(?:[.?!]\s?)*[.?!]"), stop),
    Rule(re.compile(r"-{1,3}>|={1,2}>|\s[-–]{1,3}(?=\s)|[—–•→;:,()]"), comma),
    Rule(re.compile(r"-{2,3}(?!-)"), comma),
    Rule(
        re.compile(
            rf"{_SPACED_SYMBOL}|(?<=[A-Za-z])\+{{1,2}}(?![\w+])|(?<=[\d ])%"
            r"|[&°≈±×÷≤≥≠№$€£¥₹¢]|(?<![\w+])\+(?=\d)"
        ),
        symbol,
    ),
    Rule(re.compile(r"~(?=\$?\d)"), symbol),
    Rule(re.compile(r"\S"), nothing),
)
