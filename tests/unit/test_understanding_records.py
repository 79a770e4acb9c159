"""Which tier understood what, and what might be learned from it, in a real database."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from support.storage import NOW, url_of
from voice_agent.core.errors import NotFoundError
from voice_agent.core.understanding import Intent, TierOutcome, Understanding
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.repositories.understanding import (
    ProposalStatus,
    SqlNluLedger,
    SqlNluProposals,
)

pytestmark = pytest.mark.anyio


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(url_of(tmp_path / "agent.db")) as opened:
        yield opened


def found(
    tier: str, ms: float, cost: float | None = 0.0, model: float | None = 0.01
) -> Understanding:
    outcome = TierOutcome(tier, Intent.HELP, 0.9, ms, cost_usd=cost, would_have_cost=model)
    return Understanding(Intent.HELP, 0.9, tier, latency_ms=ms, tiers=(outcome,))


async def test_the_ledger_tells_what_each_tier_did_and_saved(database: Database) -> None:
    ledger = SqlNluLedger(database)
    await ledger.note("call-1", 1, found("regex", 0.1), NOW)
    await ledger.note("call-1", 2, found("regex", 0.3), NOW)
    await ledger.note("call-1", 3, found("llm", 600, cost=0.012), NOW)
    regex, llm = await ledger.shares(NOW - timedelta(hours=1))
    assert (regex.tier, regex.turns, regex.cost_usd) == ("regex", 2, 0.0)
    assert regex.mean_ms == pytest.approx(0.2)
    assert regex.saved_usd == pytest.approx(0.02)
    assert llm.cost_usd == pytest.approx(0.012)
    assert llm.saved_usd == pytest.approx(-0.002)


async def test_of_a_turn_noted_twice_the_later_one_counts(database: Database) -> None:
    ledger = SqlNluLedger(database)
    await ledger.note("call-1", 1, found("regex", 0.1), NOW)
    await ledger.note("call-1", 1, found("llm", 500, cost=None), NOW)
    (share,) = await ledger.shares(NOW)
    assert (share.tier, share.turns, share.cost_usd) == ("llm", 1, 0.0)


async def test_what_was_before_does_not_count(database: Database) -> None:
    ledger = SqlNluLedger(database)
    await ledger.note("call-1", 1, found("regex", 0.1), NOW)
    assert await ledger.shares(NOW + timedelta(seconds=1)) == ()


async def test_the_same_words_are_proposed_once_and_counted(database: Database) -> None:
    proposals = SqlNluProposals(database)
    await proposals.propose("my thing never came", Intent.CHECK_ORDER_STATUS, 0.8, NOW)
    await proposals.propose("My thing  never came", Intent.CHECK_ORDER_STATUS, 0.9, NOW)
    await proposals.propose("other", Intent.HELP, 0.9, NOW)
    first, second = await proposals.with_status(ProposalStatus.PROPOSED)
    assert (first.text, first.seen, second.seen) == ("my thing never came", 2, 1)


async def test_a_proposal_is_accepted_with_another_intent_and_trained(database: Database) -> None:
    proposals = SqlNluProposals(database)
    await proposals.propose("ta", Intent.HELP, 0.8, NOW)
    (proposed,) = await proposals.with_status(ProposalStatus.PROPOSED)
    await proposals.decide(proposed.id, ProposalStatus.ACCEPTED, NOW, Intent.THANKS)
    (accepted,) = await proposals.with_status(ProposalStatus.ACCEPTED)
    assert accepted.intent is Intent.THANKS
    await proposals.mark_trained([accepted.id])
    assert await proposals.with_status(ProposalStatus.ACCEPTED) == ()
    (trained,) = await proposals.with_status(ProposalStatus.TRAINED)
    assert trained.id == proposed.id


async def test_deciding_about_nothing_is_not_found(database: Database) -> None:
    with pytest.raises(NotFoundError):
        await SqlNluProposals(database).decide(7, ProposalStatus.REJECTED, NOW)
