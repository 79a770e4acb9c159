"""The words of the business are there for recognisers to listen for."""

from pathlib import Path

import pytest

from support.storage import demo_database
from voice_agent.storage.sql.repositories.terms import business_terms


@pytest.mark.anyio
async def test_items_carriers_departments_and_customers_are_terms_once_each(
    tmp_path: Path,
) -> None:
    async with demo_database(tmp_path / "demo.db") as database:
        terms = await business_terms(database)
    assert "DHL" in terms
    assert "Customer Support" in terms
    assert len(terms) == len(set(terms)) > 50
