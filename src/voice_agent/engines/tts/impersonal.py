"""Whether a sentence can be kept as sound although nobody said beforehand that it is fixed.

The rule errs on the side of forgetting. A sentence is impersonal when nothing in it could be about
one caller: no figures, in digits or in words; no spelled letters, no parts of an address; every
capital letter begins a sentence, with a word from a list of plain openers, so that no name hides
there. Only English has the lists; in any other language nothing is impersonal.
"""

import re
from typing import Final

LONGEST: Final = 200
"""Characters; longer sentences are rarely said twice."""

_FIGURE_WORDS: Final = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
    sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
    hundred thousand million billion half quarter dozen oh point percent
    first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth
    fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth thirtieth
    dollar dollars cent cents euro euros pound pounds pence
    monday tuesday wednesday thursday friday saturday sunday
    january february march april june july august september october november december
    dot dash slash underscore com mr mrs ms dr
"""
_OPENING_WORDS: Final = """
    a alright all and anything are as at before but by can certainly could did do does for give go
    good goodbye great happy have hello hi hold how i if in is it just let my no nothing now of
    okay our perfect please so something sorry sure thank thanks that the then there this to
    unfortunately wait we welcome well what when where which who why with would yes you your
"""
_FIGURES: Final = frozenset(_FIGURE_WORDS.split())
_OPENERS: Final = frozenset(_OPENING_WORDS.split())
_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_SENTENCE_END: Final = ".?!"
_I: Final = re.compile(r"I(?:'[a-z]{1,2})?")


def impersonal(text: str, language: str = "en") -> bool:
    """Whether nothing in the text could be about one caller."""
    if language.partition("-")[0].lower() != "en" or len(text) > LONGEST or not text.isascii():
        return False
    if any(map(str.isdigit, text)) or "@" in text:
        return False
    words = [(match[0], match.start()) for match in _WORD.finditer(text)]
    return bool(words) and all(_harmless(word, _begins(text, start)) for word, start in words)


def _begins(text: str, start: int) -> bool:
    before = text[:start].rstrip()
    return not before or before[-1] in _SENTENCE_END


def _harmless(word: str, begins: bool) -> bool:  # noqa: FBT001 - a fact about the word
    lower = word.lower()
    if lower in _FIGURES:
        return False
    if _I.fullmatch(word):
        return True
    if begins:
        return lower.partition("'")[0] in _OPENERS
    return word == lower and (len(word) > 1 or word == "a")
