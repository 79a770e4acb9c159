"""Bytes to text, whatever wrote them."""

import codecs
import re
import unicodedata
from typing import Final

from voice_agent.knowledge.document import DocumentRefused

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE: Final = 4000
_UNSEEN: Final = re.compile(
    r"[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\u200b-\u200f\u202a-\u202e\u2060-\u206f\ue000-\uf8ff\ufff0-\ufffb]"
)


def decode(name: str, data: bytes) -> str:
    """The text of a file in UTF-8, UTF-16, UTF-32 or an old Western encoding.

    Raises:
        DocumentRefused: it is not text.
    """
    encoding = next((code for mark, code in _MARKS if data.startswith(mark)), None)
    encoding = encoding or _guess(name, data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            raise DocumentRefused(name, f"it is not the {encoding} it seems to be") from None
        text = data.decode("cp1252", errors="replace")
    return readable(text)


def readable(text: str) -> str:
    """Without characters that cannot be seen, in the composed form, lines ended alike."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")
    return unicodedata.normalize("NFC", _UNSEEN.sub("", lines).replace("\u00a0", " "))


def _guess(name: str, data: bytes) -> str:
    """UTF-16 without its mark has a zero in every other byte; other zeros are no text."""
    sample = data[:_SAMPLE]
    if b"\0" not in data:
        return "utf-8"
    half = max(len(sample) // 2, 1)
    if sample[1::2].count(0) > half * 0.6 and sample[::2].count(0) < half * 0.1:
        return "utf-16-le"
    if sample[::2].count(0) > half * 0.6 and sample[1::2].count(0) < half * 0.1:
        return "utf-16-be"
    raise DocumentRefused(name, "it is not text")
