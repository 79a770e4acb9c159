"""Twilio's REST API as seen from outside: calls, recordings and conferences."""

from collections.abc import Sequence

from starlette.routing import BaseRoute

from voice_agent.simulation.providers.desk import VALID_KEY, Desk, Simulator
from voice_agent.simulation.providers.twilio import account, calls, conferences, recordings
from voice_agent.simulation.providers.twilio.exchange import Exchange

ACCOUNT_SID = "AC" + "0123456789abcdef" * 2
"""An account that may be used; any other of that form will do too."""


def _routes(desk: Desk) -> Sequence[BaseRoute]:
    """One line per part of the vendor's API."""
    exchange = Exchange(desk)
    return [
        *account.routes(exchange),
        *calls.routes(exchange),
        *recordings.routes(exchange),
        *conferences.routes(exchange),
    ]


SIMULATOR = Simulator(
    name="twilio",
    summary="The REST API: calls with their status callbacks, recordings, conferences.",
    routes=_routes,
    variables={
        "VOICE_AGENT_TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "VOICE_AGENT_TWILIO_AUTH_TOKEN": VALID_KEY,
    },
)
