"""Markdown away, its words kept."""

import re
from typing import Final

from voice_agent.pipeline.spoken.characters import Characters

_MARKS: Final = re.compile(r"[*_`~#|\[\]<>\n]|^ *(?:[-+•]|\d{1,2}[.)]) ")

_PATTERNS: Final[tuple[tuple[str, str], ...]] = (
    # Runs first, so that no later pattern meets a long one.
    (r"[ \t]{2,}", " "),
    (r" ?\n ?", "\n"),
    (r"\n{3,}", "\n\n"),
    # A fence with its language, a rule, the line under a table's head: nothing is said.
    (r"(?m:^(?:```|~~~)[^\n`]*$\n?)", "\n"),
    (r"(?m:^\|? ?:?-{2,}:? ?(?:\| ?:?-{2,}:? ?){0,40}\|?$\n?)", "\n"),
    (r"(?m:^(?:\* ?){3,}$\n?)", "\n"),
    # A sentence that goes on after a line's end; a line's end before nothing.
    (r"\n(?=[a-z])", " "),
    (r"\s*\n\s*\Z", " "),
    # Quotation, heading, bullet, check box, numbered item.
    (r"(?m:^(?:> ?)+)", ""),
    (r"(?m:^#{1,6} )", ""),
    (r"(?m:^[-+*•] (?:\[[ xX]\] )?)", ""),
    (r"(?m:(?:(?<=^\d)|(?<=^\d\d))[.)](?= ))", ","),
    # Links and pictures keep their words.
    (r"!\[(?=[^\[\]\n]{0,300}\])", ""),
    (r"\]\([^()\s]{0,2000}(?: \"[^\"\n]{0,200}\")?\)", ""),
    (r"\[\^?\d{1,3}\](?!\()", ""),
    (r"<(?=https?://|[\w.+-]{1,64}@)", ""),
    (r"</?[A-Za-z][A-Za-z0-9]{0,20}(?:\s[^<>]{0,200})?/?>", " "),
    (r"(?<=[\w/])>(?=[\s.,;:!?]|$)", ""),
    # Emphasis and code.
    (r"(?<=\d) ?\* ?(?=\d)", " times "),
    (r"(?<![\w*•])[*•]{3,}(?:[- ][*•]{3,}){0,3}[- ]?(?=\d{2,4}(?![\d*]))", "ending in "),
    (r"[*`]+|~~+", ""),
    (r"(?<!\w)_{1,3}(?=\S)|(?<=\S)_{1,3}(?!\w)", ""),
    (r"[\[\]]", " "),
    (r"[ \t]{2,}", " "),
    # The cells of a table.
    (r"(?m:^ ?\| ?| ?\| ?$)", ""),
    (r" ?\| ?", ", "),
    # A new line is a full pause, unless the sentence goes on.
    (r"(?<=[.!?,;:…—–\n]) ?\n\s*", " "),
    (r" ?\n\s*", ". "),
)
_RULES: Final = tuple((re.compile(pattern), put) for pattern, put in _PATTERNS)


def strip_markup(chars: Characters) -> Characters:
    """Take the markdown out of `chars`; a closing mark counts as part of the word before it."""
    if not _MARKS.search(chars.text):
        return chars
    for pattern, put in _RULES:
        chars = _replace(chars, pattern, put)
    return chars


def _replace(chars: Characters, pattern: re.Pattern[str], put: str) -> Characters:
    ends = chars.ends
    pieces: list[str] = []
    kept: list[int] = []
    position = 0
    for match in pattern.finditer(chars.text):
        start, end = match.span()
        if start == end:
            continue
        pieces += (chars.text[position:start], put)
        kept.extend(range(position + 1, start + 1) if ends is None else ends[position:start])
        end_in_source = chars.source_end(end)
        if kept and position < start and not chars.text[start - 1].isspace():
            kept[-1] = end_in_source
        kept.extend([end_in_source] * len(put))
        position = end
    if not position:
        return chars
    rest = chars.text[position:]
    kept.extend(range(position + 1, len(chars.text) + 1) if ends is None else ends[position:])
    return Characters("".join(pieces) + rest, tuple(kept))
