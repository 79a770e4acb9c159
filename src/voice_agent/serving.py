"""Binds the port, runs the server, and lets calls end before it goes."""

import logging
import socket

import structlog
import uvicorn
from rich.console import Console

from voice_agent.bootstrap import create_app
from voice_agent.config import Settings
from voice_agent.core.errors import ConfigurationError, VoiceAgentError
from voice_agent.observability.logging import configure_logging

log = structlog.get_logger(__name__)

DRAIN_WITHIN = 8
"""How long open connections may take to close when the server stops (s)."""


def serve(settings: Settings) -> None:
    """Serve until interrupted.

    Raises:
        ConfigurationError: the port is taken or a setting is wrong.
        VoiceAgentError: an engine or the database cannot be used.
    """
    configure_logging(settings.log_level, settings.log_format)
    listening = _listen(settings.host, settings.port)
    app = create_app(settings)
    config = uvicorn.Config(
        app,
        log_config=None,
        ws="websockets-sansio",
        ws_max_size=64 * 1024,
        ws_per_message_deflate=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=DRAIN_WITHIN,
        lifespan="on",
    )
    # A known failure is told in one sentence by whoever catches it, not as a stack trace.
    logging.getLogger("uvicorn.error").addFilter(
        lambda _record: not isinstance(app.state.failure, VoiceAgentError)
    )
    server = _Server(config, settings)
    try:
        with listening:
            server.run(sockets=[listening])
    except SystemExit:
        if isinstance(app.state.failure, VoiceAgentError):
            raise app.state.failure from None
        raise


class _Server(uvicorn.Server):
    """Says where to talk to it, and says goodbye to callers before it stops."""

    def __init__(self, config: uvicorn.Config, settings: Settings) -> None:
        super().__init__(config)
        self._settings = settings

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then print the addresses."""
        await super().startup(sockets)
        if self.started:
            _welcome(self._settings)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the calls, then the server."""
        await self.config.loaded_app.state.drain()
        await super().shutdown(sockets)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"cannot listen on {host}, port {port}: {error.strerror}. "
            "Choose another with --port or VOICE_AGENT_PORT."
        ) from None
    listening.set_inheritable(True)
    return listening


def _welcome(settings: Settings) -> None:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host  # noqa: S104
    url = f"http://{host}:{settings.port}"
    Console(stderr=True).print(
        f"\n[bold]Voice Agent is ready.[/]\n"
        f"  Talk in the browser   {url}/voice-demo\n"
        f"  Type to it            {url}/demo\n"
        f'  Or call it            voice-agent call --say "where is my order ten forty two"\n',
        highlight=False,
    )
