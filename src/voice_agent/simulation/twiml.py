"""The part of TwiML a simulated phone follows, as values.

`<Connect><Stream>` with its parameters, Say, Pause, Redirect, Reject and
Hangup; every other verb is reported as unsupported instead of being passed over in silence.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final
from xml.etree import ElementTree as ET

from voice_agent.core.errors import ProtocolError

LARGEST: Final = 64 * 1024
"""Bytes of TwiML Twilio reads."""
SPEAKING_RATE: Final = 15.0
"""Characters of `<Say>` text per second, for its length."""


@dataclass(frozen=True, slots=True)
class ConnectStream:
    """Open a Media Stream and stay on it until one side ends it."""

    url: str
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Say:
    """Twilio's own voice reads a text."""

    text: str

    @property
    def seconds(self) -> float:
        """About how long it takes."""
        return len(self.text) / SPEAKING_RATE


@dataclass(frozen=True, slots=True)
class Pause:
    """Silence."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Redirect:
    """Ask another URL what to do."""

    url: str
    method: str


@dataclass(frozen=True, slots=True)
class Reject:
    """Refuse the call before it is answered."""

    reason: str


@dataclass(frozen=True, slots=True)
class Hangup:
    """End the call."""


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A verb this phone cannot carry out."""

    name: str


Verb = ConnectStream | Say | Pause | Redirect | Reject | Hangup | Unsupported


def read_twiml(document: bytes) -> list[Verb]:
    """The verbs of a TwiML document in order.

    Raises:
        ProtocolError: Twilio would refuse the document (errors 12100 and 11750).
    """
    if len(document) > LARGEST:
        raise ProtocolError(f"the TwiML has {len(document)} bytes; Twilio reads {LARGEST}")
    try:
        root = ET.fromstring(document)  # noqa: S314 - the server under test is the peer
    except ET.ParseError as error:
        raise ProtocolError(f"the server's answer is no XML ({error})") from None
    if root.tag != "Response":
        raise ProtocolError(f"the server's answer is <{root.tag}>, not TwiML's <Response>")
    return [_verb(element) for element in root]


def _verb(element: ET.Element) -> Verb:
    read = _VERBS.get(element.tag)
    return read(element) if read else Unsupported(element.tag)


def _say(element: ET.Element) -> Say:
    return Say(" ".join("".join(element.itertext()).split()))


def _redirect(element: ET.Element) -> Redirect:
    return Redirect((element.text or "").strip(), element.get("method", "POST").upper())


def _connect(element: ET.Element) -> Verb:
    stream = element.find("Stream")
    if stream is None:
        inner = element[0].tag if len(element) else "nothing"
        return Unsupported(f"Connect with {inner}")
    url = stream.get("url", "")
    if not url.startswith(("ws://", "wss://")):
        raise ProtocolError(f"the stream's url is {url!r}; it must begin with wss:// or ws://")
    parameters = {p.get("name", ""): p.get("value", "") for p in stream.iter("Parameter")}
    return ConnectStream(url, parameters)


def _seconds(length: str) -> float:
    try:
        return min(max(float(length), 0.0), 600.0)
    except ValueError:
        return 1.0


_VERBS: Final[dict[str, Callable[[ET.Element], Verb]]] = {
    "Connect": _connect,
    "Say": _say,
    "Pause": lambda element: Pause(_seconds(element.get("length", "1"))),
    "Redirect": _redirect,
    "Reject": lambda element: Reject(element.get("reason", "rejected")),
    "Hangup": lambda _: Hangup(),
}
