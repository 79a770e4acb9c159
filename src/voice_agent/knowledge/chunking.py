"""Documents in pieces that can be spoken: whole sentences, under their headings.

A piece is about as long as somebody listens to before asking on; it never ends within a
sentence, and the headings above it are kept beside it as its title.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from voice_agent.knowledge.document import Document, Heading, Paragraph
from voice_agent.knowledge.sentences import split_sentences

TARGET: Final = 300
"""Characters of a piece; one sentence alone may be longer."""
_ENOUGH: Final = TARGET // 2
"""Characters from which a piece ends with its paragraph."""
SEPARATOR: Final = " › "


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a document; `title` are the headings above it."""

    text: str
    title: str

    @property
    def searchable(self) -> str:
        """What it is found by."""
        return f"{self.title}. {self.text}" if self.title else self.text


def chunk(document: Document) -> tuple[Chunk, ...]:
    """The document in pieces, in order, with nothing left out."""
    return tuple(_chunks(document))


def _chunks(document: Document) -> Iterator[Chunk]:
    path: list[Heading] = []
    bare = False
    paragraphs: list[str] = []
    for block in document.blocks:
        if isinstance(block, Paragraph):
            paragraphs.append(block.text)
            continue
        above_it = bool(path) and path[-1].level < block.level
        yield from _section(document, path, paragraphs, bare=bare and not above_it)
        path = [above for above in path if above.level < block.level]
        # A heading that nothing follows would be lost; one above others is their context.
        bare, paragraphs = bool(block.text.strip()), []
        path.append(block)
    yield from _section(document, path, paragraphs, bare=bare)


def _section(
    document: Document, path: list[Heading], paragraphs: list[str], *, bare: bool
) -> Iterator[Chunk]:
    pieces = list(_packed(paragraphs))
    if pieces:
        title = _title(document, path)
        yield from (Chunk(piece, title) for piece in pieces)
    elif bare and path[-1].text.strip() != document.title:
        title = _title(document, path[:-1])
        yield from (Chunk(piece, title) for piece in _packed([path[-1].text]))


def _title(document: Document, path: list[Heading]) -> str:
    names = [document.title, *(heading.text for heading in path)]
    flat = [" ".join(name.split()) for name in names]
    return SEPARATOR.join(dict.fromkeys(name for name in flat if name))


def _packed(paragraphs: list[str]) -> Iterator[str]:
    """Sentences together as long as they fit; a full enough piece ends with its paragraph."""
    piece = ""
    for paragraph in paragraphs:
        for sentence in split_sentences(paragraph):
            if piece and len(piece) + 1 + len(sentence) > TARGET:
                yield piece
                piece = sentence
            else:
                piece = f"{piece} {sentence}".strip()
        if len(piece) >= _ENOUGH:
            yield piece
            piece = ""
    if piece:
        yield piece
