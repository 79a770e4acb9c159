"""Logs: constant messages with facts beside them, and nothing personal in them.

Keys that begin with `pii_` or look like secrets are replaced before anything is written.
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog

_CHATTY: Final = (
    *("uvicorn", "uvicorn.error", "uvicorn.access", "alembic", "aiosqlite"),
    *("httpx", "httpx2", "httpcore2", "hpack", "websockets", "mcp", "pypdf"),
)
"""Libraries of which only warnings are wanted; some log addresses with what is in them."""
_SECRET_WORDS: Final = ("token", "secret", "password", "api_key", "authorization")
REDACTED: Final = "«redacted»"


def configure_logging(level: str, style: str) -> None:
    """Send everything, also what libraries log, through one pipeline to standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        redact,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if style == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    last = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
    if style == "json":
        last.insert(1, structlog.processors.format_exc_info)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=last)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for chatty in _CHATTY:
        logging.getLogger(chatty).handlers.clear()
        logging.getLogger(chatty).propagate = True
        logging.getLogger(chatty).setLevel("WARNING")


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace personal data and secrets by their keys."""
    for key in event:
        if key.startswith("pii_") or any(word in key.lower() for word in _SECRET_WORDS):
            event[key] = REDACTED
    return event
