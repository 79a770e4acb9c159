"""Waiting for something that happens outside the event loop."""

from collections.abc import Callable

import anyio

PATIENCE = 20.0
"""Seconds; far more than anything takes, so a slow machine never fails a test."""


async def until(condition: Callable[[], object]) -> None:
    """Return once `condition()` holds."""
    with anyio.fail_after(PATIENCE):
        while not condition():  # noqa: ASYNC110 - threads and processes send no events
            await anyio.sleep(0.005)
