"""Form-encoded parameters, which is all that Twilio reads."""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qs, urlsplit

from voice_agent.simulation.providers.twilio.errors import refused

LONGEST_TWIML: Final = 4000
_NUMBER: Final = re.compile(r"\+[1-9]\d{6,14}")
_OTHER_ADDRESS: Final = re.compile(r"(sips?:.+@.+|client:.+)")


class Form:
    """The parameters of one request; names count letter by letter."""

    def __init__(self, values: Mapping[str, Sequence[str]]) -> None:
        """Each name with all its values."""
        self._values = values

    @classmethod
    def read(cls, raw: bytes) -> "Form":
        """Whatever is no form holds no parameters."""
        return cls(parse_qs(raw.decode("utf-8", "replace"), keep_blank_values=True))

    def __contains__(self, name: str) -> bool:
        """Whether it was given, and not blank."""
        return bool(self.text(name))

    def text(self, name: str, default: str = "") -> str:
        """The last value of that name."""
        return self._values.get(name, [default])[-1]

    def all(self, name: str) -> list[str]:
        """Every value of that name, those with spaces taken apart."""
        return [word for value in self._values.get(name, []) for word in value.split()]

    def flag(self, name: str, *, default: bool) -> bool:
        """`true` or `false`."""
        text = self.text(name)
        return text.lower() == "true" if text else default

    def number(self, name: str, default: int) -> int:
        """A whole number; nonsense counts as not given."""
        text = self.text(name)
        return int(text) if text.isdecimal() else default


def check_parties(form: Form) -> None:
    """Both ends of a call.

    Raises:
        Refused: one is missing or no address.
    """
    called, caller = form.text("To"), form.text("From")
    if not called:
        raise refused(400, 21201, "No 'To' number is specified")
    if not caller:
        raise refused(400, 21213, "No 'From' number is specified")
    if not _is_address(called):
        raise refused(400, 21211, f"The 'To' number {called} is not a valid phone number.")
    if not _is_address(caller):
        raise refused(400, 21212, f"The 'From' number {caller} is not a valid phone number.")


def check_instructions(form: Form, *, required: bool) -> None:
    """What the call is to do: `Url`, `Twiml` or `ApplicationSid`.

    Raises:
        Refused: none where one is required, or one that cannot be used.
    """
    if "Url" in form:
        check_address(form.text("Url"), "Url")
    elif "Twiml" in form:
        if len(form.text("Twiml")) > LONGEST_TWIML:
            raise refused(400, 32018, "The Twiml parameter exceeds the limit of 4000 characters.")
    elif required and "ApplicationSid" not in form:
        raise refused(400, 21205, "Url parameter is required.")


def check_address(url: str, name: str) -> None:
    """An address that Twilio could call.

    Raises:
        Refused: it is none.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise refused(400, 21205, f"{name} is not a valid URL: {url}")


def _is_address(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text) or _OTHER_ADDRESS.fullmatch(text))
