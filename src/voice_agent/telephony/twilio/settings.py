"""What the Twilio routes need from the composition root."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from voice_agent.core.call import Call, Disposition
from voice_agent.core.clock import Clock
from voice_agent.core.errors import ConfigurationError
from voice_agent.core.ports import MediaTransport
from voice_agent.telephony.twilio.signature import network
from voice_agent.telephony.twilio.tokens import StreamTokens


@dataclass(frozen=True, slots=True)
class TwilioSettings:
    """An account, and how the world reaches this server.

    `public_url` (`https://voice.example.com`, a path prefix is kept) is what Twilio was given;
    empty means the address of each request. `trusted_proxies` are addresses or networks whose
    X-Forwarded-Proto and X-Forwarded-Host are believed. An empty `account_sid` takes any.
    """

    auth_token: str = field(repr=False)
    account_sid: str = ""
    public_url: str = ""
    trusted_proxies: tuple[str, ...] = ()
    tokens: StreamTokens = field(default_factory=StreamTokens, repr=False)

    def __post_init__(self) -> None:
        """Refuse what could only fail at the first call.

        Raises:
            ConfigurationError: an address is not one.
        """
        if self.public_url and not self.public_url.startswith(("https://", "http://")):
            raise ConfigurationError("the public URL must start with https:// (or http://)")
        for item in self.trusted_proxies:
            try:
                network(item)
            except ValueError as error:
                raise ConfigurationError(f"trusted proxy: {error}") from None


class TwilioServices(Protocol):
    """The part of `app.state.services` that the routes use."""

    @property
    def twilio(self) -> TwilioSettings:
        """The account."""
        ...

    @property
    def run_call(self) -> Callable[[Call, MediaTransport], Awaitable[Disposition]]:
        """Leads a call to its end; never raises."""
        ...

    @property
    def ringing(self) -> Callable[[], None]:
        """Tells the engines that a call is coming; never blocks."""
        ...

    @property
    def clock(self) -> Clock:
        """Time."""
        ...
