"""HTML: what a reader of the page sees of its contents; scripts, styles and menus are dropped."""

from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Final

from voice_agent.knowledge.document import Block, Document, Heading, Paragraph
from voice_agent.knowledge.readers.decoding import decode
from voice_agent.knowledge.readers.rows import table_blocks
from voice_agent.knowledge.sentences import closed

_DROPPED: Final = frozenset(
    [
        "script",
        "style",
        "nav",
        "template",
        "noscript",
        "svg",
        "canvas",
        "iframe",
        "object",
        "form",
        "button",
        "select",
        "textarea",
        "footer",
        "aside",
        "dialog",
        "math",
    ]
)
_VOID: Final = frozenset(
    [
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    ]
)
_BLOCKS: Final = frozenset(
    [
        "p",
        "div",
        "li",
        "dt",
        "dd",
        "section",
        "article",
        "main",
        "header",
        "blockquote",
        "pre",
        "figure",
        "figcaption",
        "ul",
        "ol",
        "dl",
        "table",
        "caption",
        "address",
        "details",
        "summary",
        "body",
        "html",
    ]
)
_HEADINGS: Final = {f"h{level}": level for level in range(1, 7)}
_LISTED: Final = frozenset({"li", "dt", "dd", "caption", "summary"})

_Attributes = Sequence[tuple[str, str | None]]


def read_html(name: str, data: bytes) -> Document:
    """A document; its title is the page's.

    Raises:
        DocumentRefused: it is not text.
    """
    page = _Page()
    page.feed(decode(name, data))
    page.close()
    page.end_block()
    first = next((block.text for block in page.blocks if isinstance(block, Heading)), "")
    return Document(first or " ".join(page.title.split()), tuple(page.blocks))


class _Page(HTMLParser):
    """Collects blocks; knows how deep inside something dropped it is."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self.title = ""
        self._text: list[str] = []
        self._block = "p"
        self._dropping: list[str] = []
        self._in_title = False
        self._rows: list[list[str]] | None = None
        self._in_cell = False

    def handle_starttag(self, tag: str, attrs: _Attributes) -> None:
        """Begin an element."""
        if tag == "title":
            self._in_title = not self.title
        elif self._dropping or tag in _DROPPED or (tag not in _VOID and _hidden(attrs)):
            self._drop(tag)
        elif tag in _HEADINGS or tag in _BLOCKS:
            self._begin(tag)
        elif tag == "tr" and self._rows is not None:
            self._rows.append([])
        elif tag in {"td", "th"} and self._rows:
            self._rows[-1].append("")
            self._in_cell = True
        elif tag in {"br", "hr"}:
            self._text.append(" ")

    def handle_endtag(self, tag: str) -> None:
        """End an element."""
        if tag == "title":
            self._in_title = False
        elif self._dropping:
            if tag in self._dropping:
                while self._dropping.pop() != tag:
                    pass
        elif tag == "table":
            self._end_table()
        elif tag in {"td", "th"}:
            self._in_cell = False
        elif tag in _HEADINGS or tag in _BLOCKS:
            self.end_block()

    def handle_data(self, data: str) -> None:
        """Take text."""
        if self._in_title:
            self.title += data
        elif self._dropping:
            return
        elif self._in_cell and self._rows:
            self._rows[-1][-1] += data
        else:
            self._text.append(data)

    def end_block(self) -> None:
        """What was gathered is a block."""
        said = " ".join("".join(self._text).split())
        self._text = []
        if not said:
            return
        if self._block in _HEADINGS:
            self.blocks.append(Heading(_HEADINGS[self._block], said))
        else:
            self.blocks.append(Paragraph(closed(said) if self._block in _LISTED else said))
        self._block = "p"

    def _drop(self, tag: str) -> None:
        # Inside something dropped only what nests in itself must be counted.
        if tag not in _VOID and (not self._dropping or tag == self._dropping[0]):
            self._dropping.append(tag)

    def _begin(self, tag: str) -> None:
        if self._in_cell and self._rows:
            self._rows[-1][-1] += " "
            return
        self.end_block()
        self._block = tag
        if tag == "table":
            self._end_table()
            self._rows = []

    def _end_table(self) -> None:
        rows, self._rows, self._in_cell = self._rows, None, False
        if rows:
            self.blocks.extend(table_blocks(rows, level=6))


def _hidden(attrs: _Attributes) -> bool:
    values = {name: (value or "").replace(" ", "").lower() for name, value in attrs}
    style = values.get("style", "")
    return (
        "hidden" in values
        or values.get("aria-hidden") == "true"
        or values.get("role") == "navigation"
        or "display:none" in style
        or "visibility:hidden" in style
    )
