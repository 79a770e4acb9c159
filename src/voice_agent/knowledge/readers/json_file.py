"""JSON: objects as sentences, their names and keys as headings."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from voice_agent.knowledge.document import Block, Document, DocumentRefused, Heading, Paragraph
from voice_agent.knowledge.readers.decoding import decode
from voice_agent.knowledge.readers.limits import MOST_DEPTH
from voice_agent.knowledge.readers.rows import harmless
from voice_agent.knowledge.sentences import closed

_NAMES: Final = ("question", "title", "name", "topic", "heading")
_BODIES: Final = frozenset({"answer", "text", "body", "content", "description", "notes"})
"""Keys whose text is what the object says: they tell nothing as a heading."""
_LONG: Final = 60
"""Characters from which a text is a paragraph and not a fact."""
_DEEPEST_HEADING: Final = 6


def read_json(name: str, data: bytes) -> Document:
    """A document; its title is the object's own.

    Raises:
        DocumentRefused: it is not JSON, or things are nested too deeply in it.
    """
    text = decode(name, data)
    try:
        value = json.loads(text)
        blocks = tuple(_blocks(value, 1))
    except RecursionError:
        raise DocumentRefused(name, "things in it are nested too deeply") from None
    except ValueError as error:
        where = f" in line {error.lineno}" if isinstance(error, json.JSONDecodeError) else ""
        raise DocumentRefused(name, f"it is not JSON{where}") from error
    title = blocks[0].text if blocks and isinstance(blocks[0], Heading) else ""
    return Document(title if isinstance(value, Mapping) else "", blocks)


def _blocks(value: Any, depth: int) -> Iterator[Block]:
    if depth > MOST_DEPTH:
        raise RecursionError
    if isinstance(value, Mapping):
        yield from _object(value, depth)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield from _list(value, depth)
    elif said := _said(value):
        yield Paragraph(closed(said))


def _list(values: Sequence[Any], depth: int) -> Iterator[Block]:
    for value in values:
        yield from _blocks(value, depth + 1)


def _object(value: Mapping[str, Any], depth: int) -> Iterator[Block]:
    """A heading from its name, its facts in one sentence, then what is inside it."""
    name_key = next((key for key in _NAMES if isinstance(value.get(key), str)), None)
    level = min(depth, _DEEPEST_HEADING)
    if name_key is not None:
        yield Heading(level, harmless(value[name_key]))
    inner = {key: one for key, one in value.items() if key != name_key}
    facts = [f"{_words(key)} {said}" for key, one in inner.items() if (said := _fact(one))]
    if facts:
        yield Paragraph(closed(_capital(", ".join(facts))))
    for key, one in inner.items():
        if not _fact(one):
            yield from _inner(key, one, depth)


def _inner(key: str, value: Any, depth: int) -> Iterator[Block]:
    if isinstance(value, str):
        said = _said(value)
        if said and key not in _BODIES:
            yield Heading(min(depth + 1, _DEEPEST_HEADING), _capital(_words(key)))
        if said:
            yield Paragraph(closed(said))
    elif isinstance(value, Mapping | list) and value:
        yield Heading(min(depth + 1, _DEEPEST_HEADING), _capital(_words(key)))
        yield from _blocks(value, depth + 2)


def _fact(value: Any) -> str:
    """A short value or a list of short ones in words, "" for anything larger."""
    if isinstance(value, list) and value and all(_fact(one) for one in value if one is not value):
        if any(isinstance(one, list) for one in value):
            return ""
        said = ", ".join(_said(one) for one in value)
        return said if len(said) <= 2 * _LONG else ""
    if isinstance(value, Mapping | list):
        return ""
    said = _said(value)
    long = isinstance(value, str) and (len(said) > _LONG or said[-1:] in {".", "!", "?"})
    return "" if long else said


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return ""
    return harmless(value) if isinstance(value, str) else str(value)


def _words(key: str) -> str:
    return harmless(key.replace("_", " ").replace("-", " "))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
