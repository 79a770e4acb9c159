"""What a test needs from the machine: missing it skips, but not where everything must run."""

import os

import pytest


def require(condition: object, what: str, how: str) -> None:
    """Skip the test unless `condition`; with CI=true fail instead.

    `what` is missing, `how` is the command that brings it.
    """
    if condition:
        return
    message = f"{what} is missing: {how}"
    if os.environ.get("CI") == "true":
        pytest.fail(message)
    pytest.skip(message)
