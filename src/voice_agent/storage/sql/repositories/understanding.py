"""The ledger of understanding and the proposals for new examples, in SQL."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, func, select, update

from voice_agent.core.errors import NotFoundError
from voice_agent.core.understanding import Intent, Understanding
from voice_agent.storage.sql.database import Database
from voice_agent.storage.sql.models.understanding import NluLedgerRow, NluProposalRow


class ProposalStatus(StrEnum):
    """What became of a proposal."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    TRAINED = "trained"


@dataclass(frozen=True, slots=True)
class Proposal:
    """An utterance that might become an example; `seen` counts how often it was said."""

    id: int
    text: str
    language: str
    intent: Intent
    confidence: float
    seen: int
    status: ProposalStatus
    proposed_at: datetime


@dataclass(frozen=True, slots=True)
class TierShare:
    """One tier's part in the ledger; costs in USD, what has no known price left out.

    `saved_usd` is what the language model would have been paid for these turns beyond that.
    """

    tier: str
    turns: int
    mean_ms: float
    mean_confidence: float
    cost_usd: float
    saved_usd: float


class SqlNluLedger:
    """Which tier understood which turn."""

    def __init__(self, database: Database) -> None:
        """Read and write in `database`."""
        self._database = database

    async def note(self, call_id: str, turn: int, found: Understanding, at: datetime) -> None:
        """Write down how a turn was understood; of a turn noted twice the later one counts.

        Raises:
            StorageError: the database cannot be used.
        """
        costs = [outcome.cost_usd for outcome in found.tiers]
        known = [cost for cost in costs if cost is not None]
        last = found.tiers[-1] if found.tiers else None
        row = NluLedgerRow(
            call_id=call_id,
            turn=turn,
            at=at,
            tier=found.tier,
            intent=str(found.intent),
            confidence=found.confidence,
            ms=found.latency_ms,
            cost_usd=sum(known) if len(known) == len(costs) else None,
            would_have_cost=last.would_have_cost if last else None,
        )
        async with self._database.write() as session:
            await session.execute(
                delete(NluLedgerRow).where(
                    NluLedgerRow.call_id == call_id, NluLedgerRow.turn == turn
                )
            )
            session.add(row)

    async def shares(self, since: datetime) -> tuple[TierShare, ...]:
        """Each tier's part from a moment on, the busiest first; "" is where nobody was sure.

        Raises:
            StorageError: the database cannot be used.
        """
        cost = func.coalesce(NluLedgerRow.cost_usd, 0.0)
        saved = func.coalesce(NluLedgerRow.would_have_cost, cost) - cost
        turns = func.count()
        query = (
            select(
                NluLedgerRow.tier,
                turns,
                func.avg(NluLedgerRow.ms),
                func.avg(NluLedgerRow.confidence),
                func.sum(cost),
                func.sum(saved),
            )
            .where(NluLedgerRow.at >= since)
            .group_by(NluLedgerRow.tier)
            .order_by(turns.desc(), NluLedgerRow.tier)
        )
        async with self._database.read() as session:
            rows = (await session.execute(query)).all()
        return tuple(TierShare(row[0], int(row[1]), *map(float, row[2:])) for row in rows)


class SqlNluProposals:
    """Utterances that might become examples."""

    def __init__(self, database: Database) -> None:
        """Read and write in `database`."""
        self._database = database

    async def propose(
        self, text: str, intent: Intent, confidence: float, at: datetime, language: str = "en"
    ) -> None:
        """Keep an utterance, already without personal values; the same one again is counted.

        Raises:
            StorageError: the database cannot be used.
        """
        said = " ".join(text.casefold().split())
        digest = hashlib.sha256(f"{language}\n{said}".encode()).hexdigest()
        async with self._database.write() as session:
            query = select(NluProposalRow).where(NluProposalRow.digest == digest)
            row = (await session.scalars(query)).first()
            if row is not None:
                row.seen += 1
                return
            session.add(
                NluProposalRow(
                    text=said,
                    digest=digest,
                    language=language,
                    intent=str(intent),
                    confidence=confidence,
                    proposed_at=at,
                )
            )

    async def with_status(self, status: ProposalStatus) -> tuple[Proposal, ...]:
        """All of a status, the most often heard first.

        Raises:
            StorageError: the database cannot be used.
        """
        query = (
            select(NluProposalRow)
            .where(NluProposalRow.status == str(status))
            .order_by(NluProposalRow.seen.desc(), NluProposalRow.id)
        )
        async with self._database.read() as session:
            return tuple(_proposal(row) for row in await session.scalars(query))

    async def decide(
        self,
        proposal_id: int,
        status: ProposalStatus,
        at: datetime,
        intent: Intent | None = None,
    ) -> Proposal:
        """Accept or reject one; `intent` corrects what the model took it for.

        Raises:
            NotFoundError: there is none of that number.
            StorageError: the database cannot be used.
        """
        async with self._database.write() as session:
            row = await session.get(NluProposalRow, proposal_id)
            if row is None:
                raise NotFoundError(f"There is no proposal {proposal_id}.")
            row.status, row.decided_at = str(status), at
            if intent is not None:
                row.intent = str(intent)
            return _proposal(row)

    async def mark_trained(self, ids: Sequence[int]) -> None:
        """These are examples now.

        Raises:
            StorageError: the database cannot be used.
        """
        async with self._database.write() as session:
            await session.execute(
                update(NluProposalRow)
                .where(NluProposalRow.id.in_(ids))
                .values(status=str(ProposalStatus.TRAINED))
            )


def _proposal(row: NluProposalRow) -> Proposal:
    return Proposal(
        id=row.id,
        text=row.text,
        language=row.language,
        intent=Intent(row.intent),
        confidence=row.confidence,
        seen=row.seen,
        status=ProposalStatus(row.status),
        proposed_at=row.proposed_at,
    )
