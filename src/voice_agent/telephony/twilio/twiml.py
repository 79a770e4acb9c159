"""What we tell Twilio to do with a call, as TwiML."""

from typing import Final

from twilio.twiml.voice_response import VoiceResponse

CONTENT_TYPE: Final = "text/xml"
TOKEN_PARAMETER: Final = "token"  # noqa: S105 - the name, not the secret
"""The stream parameter that carries the one-time token; never in a query string."""


def connect_stream(url: str, token: str) -> str:
    """Connect the call's sound both ways to the WebSocket at `url`; it ends with the socket."""
    response = VoiceResponse()
    stream = response.connect().stream(url=url)
    stream.parameter(name=TOKEN_PARAMETER, value=token)
    return str(response)
