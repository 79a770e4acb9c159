"""What hosted providers' refusals have in common: what is told, and what is kept to ourselves."""

from collections.abc import Sequence
from typing import Final

from voice_agent.core.chat import ChatRequest
from voice_agent.core.errors import ProviderMisconfigured

LONGEST_DETAIL: Final = 300
"""Characters of a provider's own sentence that go into a message."""
_MOST_LISTED: Final = 20
_SHORTEST_SECRET: Final = 4


def wrong_key(provider: str, variable: str, status: int) -> ProviderMisconfigured:
    """The key is not accepted; the provider's own sentence may show parts of it."""
    return ProviderMisconfigured(
        f"the key is not accepted (HTTP {status}): set {variable} "
        f"(or engine_options llm.{provider} api_key) to a valid one",
        provider=provider,
    )


def unknown_model(provider: str, model: str, offered: Sequence[str]) -> ProviderMisconfigured:
    """The provider has no such model; says which it has."""
    known = sorted(offered)
    names = ", ".join(known[:_MOST_LISTED]) or "none"
    more = f" and {len(known) - _MOST_LISTED} more" if len(known) > _MOST_LISTED else ""
    return ProviderMisconfigured(
        f"there is no model {model!r}: set engine_options llm.{provider} model "
        f"to one of: {names}{more}",
        provider=provider,
    )


def discreet(message: str, request: ChatRequest, key: str) -> str:
    """The message without the key and without texts of the conversation."""
    secrets = [key, *(one.text.strip() for one in request.messages)]
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _SHORTEST_SECRET:
            message = message.replace(secret, "…")
    return message[:LONGEST_DETAIL]
