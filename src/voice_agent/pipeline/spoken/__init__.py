"""Written text as it is to be said, with the way back from spoken words to the writing."""

import re
from typing import Final

from voice_agent.pipeline.spoken.characters import Characters, simplify
from voice_agent.pipeline.spoken.engine import Language, Rendering, run
from voice_agent.pipeline.spoken.english import ENGLISH
from voice_agent.pipeline.spoken.english_numbers import spelled
from voice_agent.pipeline.spoken.english_words import LETTER
from voice_agent.pipeline.spoken.markup import strip_markup

__all__ = ["LANGUAGES", "Rendering", "render"]

LANGUAGES: Final[dict[str, Language]] = {"en": ENGLISH}
"""By primary language subtag; a language without an entry is spoken by the English rules."""

_ROUNDS: Final = 6
_RUN: Final = re.compile(rf"{LETTER}+|\d+")


def render(text: str, language: str = "en") -> Rendering:
    """What a synthesiser is to say for `text`: words, apostrophes and `, . ? !`, nothing else.

    `offsets[i]` is where `text` ends that is complete once word `i` was said; the last one is
    the length of `text`. Rendering a rendered text changes nothing. A text without letters and
    digits may come out empty.
    """
    rules = LANGUAGES.get(language.partition("-")[0].lower(), ENGLISH)
    result = run(strip_markup(simplify(text)), rules)
    if not result.spoken and any(map(str.isalnum, text)):
        result = _letter_by_letter(text)
    return _up_to(len(text), _settled(result, rules))


def _settled(result: Rendering, rules: Language) -> Rendering:
    """Say the result again until nothing changes any more."""
    for _ in range(_ROUNDS):
        again = run(Characters(result.spoken), rules)
        if again.spoken == result.spoken:
            break
        result = Rendering(again.spoken, _composed(result, again))
    return result


def _composed(first: Rendering, second: Rendering) -> tuple[int, ...]:
    ends = [match.end() for match in re.finditer(r"\S+", first.spoken)]
    offsets: list[int] = []
    done = 0
    for offset in second.offsets:
        while done < len(ends) and ends[done] <= offset:
            done += 1
        offsets.append(first.offsets[done - 1] if done else 0)
    return tuple(offsets)


def _letter_by_letter(text: str) -> Rendering:
    chars = simplify(text)
    words: list[str] = []
    ends: list[int] = []
    for match in _RUN.finditer(chars.text):
        said = spelled(match.group()) if match.group().isdigit() else match.group()
        words += (new := said.split())
        ends += [chars.source_end(match.end())] * len(new)
    return Rendering(" ".join(words), tuple(ends))


def _up_to(length: int, result: Rendering) -> Rendering:
    if not result.offsets:
        return result
    return Rendering(result.spoken, (*result.offsets[:-1], length))
