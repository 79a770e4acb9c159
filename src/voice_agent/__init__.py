"""Voice Agent: a self-hosted agent that answers the phone and the browser."""

__version__ = "0.1.0"
