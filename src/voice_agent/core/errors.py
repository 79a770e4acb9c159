"""Every error the product raises, in one tree, each with a stable code.

VoiceAgentError                 voice_agent
├── ConfigurationError          configuration        a setting is wrong or missing
├── ProtocolError               protocol             a peer sent something malformed
├── ProviderError               provider             an engine could not do its work
│   ├── ProviderUnavailable     provider_unavailable down or slow: another may help
│   │   └── ProviderThrottled   provider_throttled   it asks for a pause: another may help
│   ├── ProviderRejected        provider_rejected    our request is wrong: do not repeat it
│   │   └── ProviderMisconfigured provider_misconfigured wrong key, model, voice or no credit
│   └── ProviderGarbage         provider_garbage     it answered nonsense
├── TransportClosed             transport_closed     the caller's line is gone
├── StorageError                storage              the database cannot be used
├── NotFoundError               not_found            no such thing
├── PermissionDeniedError       permission_denied    this caller may not
└── ToolError                   tool                 a tool refuses; its text goes to the model
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class VoiceAgentError(Exception):
    """Base of everything the product raises on purpose."""

    code: ClassVar[str] = "voice_agent"


class ConfigurationError(VoiceAgentError):
    """A setting is wrong or missing; the message names it and says the next step."""

    code = "configuration"


class ProtocolError(VoiceAgentError):
    """A peer sent something that its protocol does not allow."""

    code = "protocol"


class ProviderError(VoiceAgentError):
    """An engine could not do its work."""

    code = "provider"

    def __init__(self, message: str, *, provider: str) -> None:
        """`provider` is the engine's registered name."""
        super().__init__(message)
        self.provider = provider


class ProviderUnavailable(ProviderError):
    """The engine is down or too slow; another one may help."""

    code = "provider_unavailable"


class ProviderThrottled(ProviderUnavailable):
    """The engine asks for a pause."""

    code = "provider_throttled"

    def __init__(self, message: str, *, provider: str, retry_after: float | None = None) -> None:
        """`retry_after` is the pause it asks for (s), None where it does not say."""
        super().__init__(message, provider=provider)
        self.retry_after = retry_after


class ProviderRejected(ProviderError):
    """The engine refused our request; repeating it will not help, another engine might."""

    code = "provider_rejected"


class ProviderMisconfigured(ProviderRejected):
    """Key, permission, credit, model or voice is wrong: no request will pass until it is mended.

    The message says which setting to mend.
    """

    code = "provider_misconfigured"


class ProviderGarbage(ProviderError):
    """The engine answered something that is not its protocol."""

    code = "provider_garbage"


class TransportClosed(VoiceAgentError):
    """The caller's line is gone."""

    code = "transport_closed"


class StorageError(VoiceAgentError):
    """The database cannot be used; nothing was overwritten."""

    code = "storage"


class NotFoundError(VoiceAgentError):
    """There is no such thing."""

    code = "not_found"


class PermissionDeniedError(VoiceAgentError):
    """This caller may not do that."""

    code = "permission_denied"


class ToolError(VoiceAgentError):
    """A tool refuses; `reason` is a stable code and the message goes to the model."""

    code = "tool"

    def __init__(
        self, message: str, *, reason: str, details: Mapping[str, Any] | None = None
    ) -> None:
        """Say why in one sentence that can be repeated to the caller.

        `details` is JSON that the model gets besides, such as other times that are free.
        """
        super().__init__(message)
        self.reason = reason
        self.details: Mapping[str, Any] = details or {}
