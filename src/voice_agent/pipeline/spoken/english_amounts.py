"""Money, measures, fractions and plain numbers as English speech."""

import re
from typing import Final

from voice_agent.pipeline.spoken.engine import Rule
from voice_agent.pipeline.spoken.english_calendar import MONTHS
from voice_agent.pipeline.spoken.english_numbers import (
    cardinal,
    decimal,
    is_one,
    ordinal,
    plural_ordinal,
    year,
)

NUMBER: Final = r"(?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|(?<!\d)\.\d+)"
_SCALE: Final = r"(?:million|billion|trillion|thousand|[kKmMbB]n?(?![A-Za-z0-9]))"
_SCALE_NAMES: Final = {"k": "thousand", "m": "million", "b": "billion"}
_CURRENCIES: Final = {
    "$": ("dollar", "dollars", "cent", "cents"),
    "€": ("euro", "euros", "cent", "cents"),
    "£": ("pound", "pounds", "penny", "pence"),
    "¥": ("yen", "yen", "sen", "sen"),
    "₹": ("rupee", "rupees", "paisa", "paise"),
    "USD": ("dollar", "dollars", "cent", "cents"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"),
}
_PER: Final = {"mo": "month", "yr": "year", "hr": "hour", "wk": "week"}
_UNITS: Final = {
    "km/h": ("kilometer per hour", "kilometers per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "kwh": ("kilowatt hour", "kilowatt hours"),
    "km": ("kilometer", "kilometers"),
    "kg": ("kilogram", "kilograms"),
    "g": ("gram", "grams"),
    "mg": ("milligram", "milligrams"),
    "lb": ("pound", "pounds"),
    "lbs": ("pound", "pounds"),
    "oz": ("ounce", "ounces"),
    "cm": ("centimeter", "centimeters"),
    "mm": ("millimeter", "millimeters"),
    "m": ("meter", "meters"),
    "ft": ("foot", "feet"),
    "yd": ("yard", "yards"),
    "mi": ("mile", "miles"),
    "gb": ("gigabyte", "gigabytes"),
    "mb": ("megabyte", "megabytes"),
    "kb": ("kilobyte", "kilobytes"),
    "tb": ("terabyte", "terabytes"),
    "°f": ("degree Fahrenheit", "degrees Fahrenheit"),
    "°c": ("degree Celsius", "degrees Celsius"),
    "°": ("degree", "degrees"),
    "ml": ("milliliter", "milliliters"),
    "l": ("liter", "liters"),
    "hr": ("hour", "hours"),
    "hrs": ("hour", "hours"),
    "h": ("hour", "hours"),
    "min": ("minute", "minutes"),
    "mins": ("minute", "minutes"),
    "sec": ("second", "seconds"),
    "secs": ("second", "seconds"),
    "s": ("second", "seconds"),
    "ms": ("millisecond", "milliseconds"),
    "hz": ("hertz", "hertz"),
    "khz": ("kilohertz", "kilohertz"),
    "mhz": ("megahertz", "megahertz"),
    "ghz": ("gigahertz", "gigahertz"),
    "kw": ("kilowatt", "kilowatts"),
    "sq ft": ("square foot", "square feet"),
    "yr": ("year", "years"),
    "yrs": ("year", "years"),
    "pcs": ("piece", "pieces"),
    "x": ("time", "times"),
    "×": ("time", "times"),
}
_UNIT: Final = (
    r"(?: ?(?:km/h|mph|kWh|km|kg|mg|lbs?|oz|cm|mm|ft|yd|mi|GB|MB|KB|kB|TB|°[FC]|°|m[lL]|hrs?"
    r"|mins?|secs?|ms|Hz|kHz|MHz|GHz|kW|sq ?ft|yrs?|pcs)|[hsmgxlL×])(?![A-Za-z0-9])"
)


def money(match: re.Match[str]) -> str:
    """Such as "$1,299.50", "$3.5 million", "20 USD", "$5/mo"."""
    sign = match["sign"] or match["code"]
    one, many, _, _ = names = _CURRENCIES[sign[-1] if match["sign"] else sign]
    amount, scale, per = match["amount"], match["scale"], match["per"]
    if scale:
        name = _SCALE_NAMES.get(scale[0].lower(), scale) if len(scale) < 3 else scale
        said = f"{decimal(amount)} {name} {many}"
    else:
        said = _coins(amount, names) or f"{decimal(amount)} {one if is_one(amount) else many}"
    return f"{said} per {_PER.get(per, per)}" if per else said


def _coins(amount: str, names: tuple[str, str, str, str]) -> str:
    one, many, small_one, small_many = names
    whole_text, _, part = amount.replace(",", "").partition(".")
    if len(part) not in {1, 2}:
        return ""
    whole, small = int(whole_text or 0), int(part.ljust(2, "0"))
    coins = f"{cardinal(small)} {small_one if small == 1 else small_many}" if small else ""
    if not whole and coins:
        return coins
    notes = f"{cardinal(whole)} {one if whole == 1 else many}"
    return f"{notes} and {coins}" if coins else notes


def cents(match: re.Match[str]) -> str:
    """Such as "50¢"."""
    return f"{decimal(match['amount'])} {'cent' if is_one(match['amount']) else 'cents'}"


def measure(match: re.Match[str]) -> str:
    """Such as "5 kg", "20 °C", "2x"."""
    unit = match["unit"].strip().lower().replace("sqft", "sq ft")
    return f"{decimal(match['amount'])} {_UNITS[unit][not is_one(match['amount'])]}"


def hours_minutes(match: re.Match[str]) -> str:
    """Such as "1h 30m"."""
    hours, minutes = int(match["h"]), int(match["m"])
    said = f"{cardinal(hours)} {'hour' if hours == 1 else 'hours'}"
    return f"{said} {cardinal(minutes)} {'minute' if minutes == 1 else 'minutes'}"


def dimensions(match: re.Match[str]) -> str:
    """Such as "10 x 12 x 3"."""
    return " by ".join(decimal(part) for part in re.findall(NUMBER, match.group()))


def height(match: re.Match[str]) -> str:
    """5'10"."""
    return f"{cardinal(int(match['feet']))} foot {cardinal(int(match['inches']))}"


def version(match: re.Match[str]) -> str:
    """Such as "v2.1", "1.2.3"."""
    head = "version " if match.group()[0] in "vV" else ""
    return head + " point ".join(cardinal(int(n)) for n in re.findall(r"\d+", match.group()))


def thousands(match: re.Match[str]) -> str:
    """Such as "10k"."""
    return f"{decimal(match['amount'])} thousand"


def rank(match: re.Match[str]) -> str:
    """Such as "21st"."""
    return ordinal(int(match["rank"].replace(",", "")))


def decade(match: re.Match[str]) -> str:
    """Such as "1990s", "'90s"."""
    digits = match["decade"]
    said = year(int(digits)) if len(digits) == 4 else cardinal(int(digits))
    return said[:-1] + "ies" if said.endswith("y") else said + "s"


_DATE_BEFORE: Final = re.compile(
    r"(?i)\b(?:on|by|until|till|since|before|after|from|date|due|for)\s*:?\s*$"
)


def slashed(match: re.Match[str]) -> str:
    """Such as "1/2", "2 3/4", "11/25", "8/10", "24/7"."""
    whole, top, bottom = match["whole"], int(match["top"]), int(match["bottom"])
    if (top, bottom) == (24, 7):
        return "twenty four seven"
    before = match.string[max(0, match.start() - 20) : match.start()]
    is_date = 1 <= top <= 12 and 1 <= bottom <= 31 and not whole
    if is_date and (_DATE_BEFORE.search(before) or (bottom > 12 and bottom not in {16, 20, 30})):
        return f"{MONTHS[top - 1]} {ordinal(bottom)}"
    if bottom in {2, 3, 4, 5, 6, 8, 16} and 0 < top < bottom:
        part = f"{cardinal(top)} {plural_ordinal(bottom, top)}"
        return (
            f"{cardinal(int(whole))} and {'a ' + part[4:] if top == 1 else part}" if whole else part
        )
    lead = f"{cardinal(int(whole))}, " if whole else ""
    return f"{lead}{cardinal(top)} {'out of' if top <= bottom else 'over'} {cardinal(bottom)}"


_PER_UNIT: Final = (
    r"(?:/(?P<per>mo|month|yr|year|day|wk|week|hr|hour|user|night|unit|item|person)(?![A-Za-z]))?"
)
_ALONE: Final = r"(?<![A-Za-z0-9])"

RULES: Final = (
    Rule(
        re.compile(
            rf"(?P<sign>(?:(?<![A-Za-z])(?:US|CA|AU))?[$€£¥₹]) ?(?P<amount>{NUMBER})"
            rf"(?:[ -]?(?P<scale>{_SCALE}))?(?P<code>){_PER_UNIT}"
        ),
        money,
        needs_digit=True,
    ),
    Rule(
        re.compile(
            rf"{_ALONE}(?P<sign>)(?P<amount>{NUMBER})(?: (?P<scale>million|billion))?"
            rf" ?(?P<code>USD|EUR|GBP|€|£)(?![A-Za-z]){_PER_UNIT}"
        ),
        money,
        needs_digit=True,
    ),
    Rule(re.compile(rf"{_ALONE}(?P<amount>{NUMBER}) ?¢"), cents, needs_digit=True),
    Rule(
        re.compile(r"(?<![\w'])'?(?P<decade>(?:1[5-9]|20)\d0|[2-9]0)'?s(?![A-Za-z])"),
        decade,
        needs_digit=True,
    ),
    Rule(
        re.compile(r"(?<![\d.])(?P<h>\d{1,3})h ?(?P<m>[0-5]?\d)m(?:in)?(?![A-Za-z])"),
        hours_minutes,
        needs_digit=True,
    ),
    Rule(
        re.compile(rf"{_ALONE}{NUMBER}(?: ?[x×] ?{NUMBER}){{1,3}}(?![A-Za-z0-9])"),
        dimensions,
        needs_digit=True,
    ),
    Rule(re.compile(rf"{_ALONE}(?P<amount>{NUMBER})(?P<unit>{_UNIT})"), measure, needs_digit=True),
    Rule(
        re.compile(r"(?<!\w)(?P<feet>[3-8])'(?P<inches>\d|1[01])(?:\"|'')"),
        height,
        needs_digit=True,
    ),
    Rule(
        re.compile(
            r"(?<![\d/.,A-Za-z])(?:(?P<whole>\d{1,3}) )?(?P<top>\d{1,3})"
            r"/(?P<bottom>\d{1,3})(?![\d/A-Za-z])"
        ),
        slashed,
        needs_digit=True,
    ),
    Rule(
        re.compile(r"(?<![\w.])(?P<rank>\d{1,3}(?:,\d{3})*|\d{1,9})(?:st|nd|rd|th)(?![A-Za-z])"),
        rank,
        needs_digit=True,
    ),
    Rule(
        re.compile(
            r"(?<![\w.])(?:[vV]\d{1,6}(?:\.\d{1,6})*|\d{1,6}(?:\.\d{1,6}){2,})(?![A-Za-z0-9])"
        ),
        version,
        needs_digit=True,
    ),
    Rule(
        re.compile(rf"{_ALONE}(?P<amount>{NUMBER})k(?![A-Za-z0-9-])"), thousands, needs_digit=True
    ),
)
