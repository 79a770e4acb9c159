"""One server for all calls of this folder."""

from collections.abc import Iterator

import pytest

from support.running_agent import RunningAgent, running_agent


@pytest.fixture(scope="session")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningAgent]:
    with running_agent(tmp_path_factory.mktemp("agent")) as running:
        yield running
