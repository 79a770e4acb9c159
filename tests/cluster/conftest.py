"""One PostgreSQL server for all tests of this folder."""

from collections.abc import Iterator

import pytest

from support.postgres import Postgres, postgres_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with postgres_server() as server:
        yield server
