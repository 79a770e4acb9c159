"""CSV: each row a sentence; formulas are left out."""

import csv
import io

from voice_agent.knowledge.document import Document, DocumentRefused
from voice_agent.knowledge.readers.decoding import decode
from voice_agent.knowledge.readers.rows import table_blocks


def read_csv(name: str, data: bytes) -> Document:
    """A table with commas, semicolons, tabs or bars between its cells.

    Raises:
        DocumentRefused: it is not such a table.
    """
    text = decode(name, data)
    try:
        rows = list(csv.reader(io.StringIO(text), _dialect(text)))
    except csv.Error as error:
        raise DocumentRefused(name, f"it is not CSV: {error}") from error
    return Document("", tuple(table_blocks(rows)))


def _dialect(text: str) -> type[csv.Dialect]:
    """By the separator that the first line has most of."""
    first = text.lstrip().split("\n", 1)[0]

    class Table(csv.excel):
        delimiter = max(",;\t|", key=first.count)

    return Table
