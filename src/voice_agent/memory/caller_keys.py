"""Telephone numbers as keyed hashes, so that a leaked table is not a telephone list."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

import phonenumbers

from voice_agent.core.errors import StorageError
from voice_agent.core.memory import CallerId

KEY_FILE: Final = "caller-memory-key"
"""The secret's file in the data folder; whoever has it can look numbers up."""
_SHORTEST_KEY: Final = 16
_SHOWN_DIGITS: Final = 4

# What telephone networks send for callers who withhold their number: the word on a keypad.
_WITHHELD: Final = frozenset(
    {"+266696687", "+7378742883", "+2562533", "+8566696", "+86282452253", "+464"}
)


class CallerKeys:
    """Makes callers' ids with one secret."""

    def __init__(self, secret: bytes) -> None:
        """`secret` of at least 16 bytes.

        Raises:
            ValueError: it is shorter.
        """
        if len(secret) < _SHORTEST_KEY:
            raise ValueError(f"the key needs at least {_SHORTEST_KEY} bytes")
        self._secret = secret

    def identify(self, number: str) -> CallerId | None:
        """The id of an international telephone number, None for anything else.

        Browsers, extensions and callers who withhold their number are nobody.
        """
        normal = international(number)
        if not normal:
            return None
        digest = hmac.new(self._secret, normal.encode("ascii"), hashlib.sha256)
        hidden = "•" * (len(normal) - _SHOWN_DIGITS)
        return CallerId(digest.hexdigest(), hidden + normal[-_SHOWN_DIGITS:])


def international(number: str) -> str:
    """The number in E.164, "" when it is none or a withheld one."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return ""
    normal = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    usable = phonenumbers.is_possible_number(parsed) and normal not in _WITHHELD
    return normal if usable else ""


def read_or_make_secret(path: Path) -> bytes:
    """The secret in a file that only its owner may read, made when there is none.

    Raises:
        StorageError: the file cannot be used.
    """
    try:
        if not path.exists():
            _make(path)
        secret = path.read_text("ascii").strip().encode()
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{path} cannot be used: {error}.") from error
    if len(secret) < _SHORTEST_KEY:
        raise StorageError(f"{path} holds no key; restore it or delete the file.")
    return secret


def _make(path: Path) -> None:
    # Linked in one step: of two processes that start together one wins and both read the same.
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
