"""Documents of every kind, good and bad, and an embedder that counts its work."""

import io
import zipfile
from collections.abc import Sequence

import docx

from voice_agent.engines.embedding.vectors import Vectors
from voice_agent.knowledge.document import Document, Heading, Paragraph
from voice_agent.knowledge.word_vectors import WordVectors


def a_document(*parts: str) -> Document:
    """Parts that begin with # are headings, by the number of them."""
    blocks: list[Heading | Paragraph] = []
    for part in parts:
        level = len(part) - len(part.lstrip("#"))
        text = part.lstrip("# ")
        blocks.append(Heading(level, text) if level else Paragraph(text))
    return Document("", tuple(blocks))


def a_pdf(*lines: str, pages: int = 1, title: str = "") -> bytes:
    """A PDF whose pages all say these lines."""
    said = "".join(f"({line}) Tj 0 -40 Td " for line in lines)
    stream = f"BT /F1 12 Tf 72 720 Td {said}ET".encode()
    kids = " ".join(f"{4 + 2 * page} 0 R" for page in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for page in range(pages):
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] "
            b"/Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>" % (5 + 2 * page)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream))
    objects.append(f"<< /Title ({title}) >>".encode())
    data, places = b"%PDF-1.4\n", list[int]()
    for number, body in enumerate(objects, start=1):
        places.append(len(data))
        data += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    trailer = b"trailer << /Size %d /Root 1 0 R /Info %d 0 R >>" % (size, len(objects))
    tail = b"xref\n0 %d\n0000000000 65535 f \n%s%s\nstartxref\n%d\n%%%%EOF"
    return data + tail % (size, table, trailer, len(data))


def a_docx() -> bytes:
    """Headings, a paragraph, a list and a table."""
    written = docx.Document()
    written.add_heading("Rentals", level=1)
    written.add_paragraph("Tents can be rented by the day.")
    written.add_paragraph("Bring a credit card", style="List Bullet")
    table = written.add_table(rows=2, cols=2)
    for cell, text in zip(
        (*table.rows[0].cells, *table.rows[1].cells),
        ("Item", "Price", "Kayak", "55 dollars"),
        strict=True,
    ):
        cell.text = text
    out = io.BytesIO()
    written.save(out)
    return out.getvalue()


def a_zip_bomb(size: int = 20_000_000) -> bytes:
    """A few kilobytes that unpack to `size` bytes, under the name of a document's part."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\0" * size)
    return out.getvalue()


class CountingEmbedder(WordVectors):
    """Vectors of words; remembers what it was asked for."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed(self, texts: Sequence[str]) -> Vectors:
        self.texts.extend(texts)
        return super().embed(texts)
