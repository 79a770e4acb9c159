"""Markdown: headings, paragraphs, lists and tables, without the marks."""

import html
import re
from collections.abc import Iterator
from typing import Final

from voice_agent.knowledge.document import Block, Document, Heading, Paragraph
from voice_agent.knowledge.readers.decoding import decode
from voice_agent.knowledge.readers.rows import table_blocks
from voice_agent.knowledge.sentences import closed

_FRONT: Final = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.DOTALL)
_UNWANTED: Final = re.compile(
    r"<!--.*?(?:-->|\Z)|<(script|style|nav|template|noscript)\b.*?(?:</\1\s*>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_HEADING: Final = re.compile(r"^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$")
_UNDERLINE: Final = re.compile(r"^ {0,3}(=+|-+)\s*$")
_FENCE: Final = re.compile(r"^ {0,3}(```|~~~)")
_ITEM: Final = re.compile(r"^\s*(?:[-*+]|\d{1,9}[.)])\s+(?:\[[ xX]\]\s+)?")
_QUOTE: Final = re.compile(r"^\s*>\s?")
_TABLE_RULE: Final = re.compile(r"^\s*\|?[\s:|-]*-[\s:|-]*\|?\s*$")
_RULE: Final = re.compile(r"^ {0,3}([-*_])(?:\s*\1){2,}\s*$")
_LINK: Final = re.compile(r"!?\[([^\[\]]*)\](?:\([^()\s]*(?:\s+\"[^\"]*\")?\)|\[[^\[\]]*\])")
_DEFINITION: Final = re.compile(r"^ {0,3}\[[^\]]+\]:\s+\S+.*$")
_ADDRESS: Final = re.compile(r"<(?:https?://|mailto:)[^>\s]*>|<[^<>]{0,500}>")
_EMPHASIS: Final = re.compile(r"(?<![\w\\])(\*{1,3}|_{1,3}|~~|`+)(?=\S)(.*?\S)\1(?!\w)")
_ESCAPE: Final = re.compile(r"\\([\\`*_{}\[\]()#+.!|<>~-])")


def read_markdown(name: str, data: bytes) -> Document:
    """A document; its first heading is its title.

    Raises:
        DocumentRefused: it is not text.
    """
    text = _UNWANTED.sub("\n", _FRONT.sub("", decode(name, data)))
    blocks = tuple(_blocks(text.split("\n")))
    title = next((block.text for block in blocks if isinstance(block, Heading)), "")
    return Document(title, blocks)


def plain(text: str) -> str:
    """Inline marks gone: links by their words, emphasis by what it holds."""
    text = _ADDRESS.sub("", _LINK.sub(r"\1", text))
    for _ in range(2):
        text = _EMPHASIS.sub(r"\2", text)
    return " ".join(html.unescape(_ESCAPE.sub(r"\1", text)).split())


def _blocks(lines: list[str]) -> Iterator[Block]:
    gathered: list[str] = []
    at = 0
    while at < len(lines):
        block, after = _structure(lines, at, gathered)
        if after == at:
            gathered.append(lines[at])
            at += 1
            continue
        yield from _paragraphs(gathered)
        yield from block
        gathered, at = [], after
    yield from _paragraphs(gathered)


def _structure(lines: list[str], at: int, gathered: list[str]) -> tuple[list[Block], int]:
    """The heading, code or table that begins here and where it ends; nothing where none does."""
    line = lines[at]
    if found := _HEADING.match(line):
        return [Heading(len(found[1]), plain(found[2]))], at + 1
    above = gathered[-1].strip() if gathered else ""
    if above and (under := _UNDERLINE.match(line)) and not _ITEM.match(above):
        return [Heading(1 if under[1][0] == "=" else 2, plain(gathered.pop()))], at + 1
    if fence := _FENCE.match(line):
        return _code(lines, at, fence[1])
    if "|" in line and at + 1 < len(lines) and _TABLE_RULE.match(lines[at + 1]):
        return _table(lines, at)
    if _RULE.match(line) or _DEFINITION.match(line):
        return [], at + 1
    return [], at


def _code(lines: list[str], at: int, fence: str) -> tuple[list[Block], int]:
    end = at + 1
    while end < len(lines) and not lines[end].strip().startswith(fence):
        end += 1
    inside = " ".join(" ".join(lines[at + 1 : end]).split())
    return ([Paragraph(closed(inside))] if inside else []), end + 1


def _table(lines: list[str], at: int) -> tuple[list[Block], int]:
    end = at + 2
    while end < len(lines) and "|" in lines[end]:
        end += 1
    rows = [_cells(line) for line in (lines[at], *lines[at + 2 : end])]
    return list(table_blocks(rows, level=6)), end


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [plain(cell.replace("\\|", "|")) for cell in re.split(r"(?<!\\)\|", inner)]


def _paragraphs(lines: list[str]) -> Iterator[Paragraph]:
    joined, item = "", False
    for line in [*lines, ""]:
        quoted = _QUOTE.sub("", line)
        begins = bool(_ITEM.match(quoted))
        if joined and (begins or not quoted.strip()):
            if said := plain(joined):
                yield Paragraph(closed(said) if item else said)
            joined = ""
        item = begins or (item and bool(joined))
        joined = f"{joined} {_ITEM.sub('', quoted).strip()}".strip()
