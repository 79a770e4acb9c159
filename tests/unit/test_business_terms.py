"""The words of the business are there for recognisers to listen for."""

from datetime import UTC
from pathlib import Path

import anyio
import pytest

from support.staged_call import ListedTools
from support.storage import demo_database
from voice_agent.core.call import Call, Channel, Direction
from voice_agent.core.clock import LoopClock
from voice_agent.core.events import CallEvent
from voice_agent.engines.llm.scripted import ScriptedModel
from voice_agent.engines.stt.scripted import ScriptedRecognizer, ScriptedRecognizerOptions
from voice_agent.engines.tts.scripted import ScriptedSynthesizer
from voice_agent.engines.vad.energy import EnergyDetector
from voice_agent.pipeline.engines import Engines
from voice_agent.pipeline.phrases import load_phrases
from voice_agent.pipeline.session import SessionSettings
from voice_agent.pipeline.switchboard import TERMS_WITHIN, Switchboard, TermsOf
from voice_agent.pipeline.turns import TurnPolicy
from voice_agent.simulation.virtual_time import run_virtual
from voice_agent.storage.sql.models import CustomerRow, OrderRow
from voice_agent.storage.sql.repositories.terms import business_terms, caller_terms


@pytest.mark.anyio
async def test_items_carriers_departments_and_customers_are_terms_once_each(
    tmp_path: Path,
) -> None:
    async with demo_database(tmp_path / "demo.db") as database:
        terms = await business_terms(database)
    assert "DHL" in terms
    assert "Customer Support" in terms
    assert len(terms) == len(set(terms)) > 50


@pytest.mark.anyio
async def test_a_caller_s_own_name_orders_and_items_come_first(tmp_path: Path) -> None:
    async with demo_database(tmp_path / "demo.db") as database:
        async with database.read() as session:
            order = await session.get_one(OrderRow, 1042)
            person = await session.get_one(CustomerRow, order.customer_id)
        terms = await caller_terms(database, person.phone or "")
        assert terms[0] == person.name
        assert "1042" in terms
        assert await caller_terms(database, "") == ()
        assert await caller_terms(database, "+19995550000") == ()


def test_terms_that_take_too_long_do_not_keep_the_caller_waiting() -> None:
    async def slow(_call: Call) -> tuple[str, ...]:
        await anyio.sleep(5)
        return ("late",)

    async def quick(_call: Call) -> tuple[str, ...]:
        return ("Anna Brown", "DHL")

    async def scene(terms_of: TermsOf) -> tuple[tuple[str, ...], float]:
        clock = LoopClock()
        phrases = ("DHL", "tent")
        listening = ScriptedRecognizer(ScriptedRecognizerOptions())
        voice, tools = ScriptedSynthesizer(), ListedTools()
        engines = Engines(
            EnergyDetector(), listening, ScriptedModel(), voice, tools, phrases=phrases
        )
        settings = SessionSettings(load_phrases("en", "the shop"), TurnPolicy(), UTC)
        switchboard = Switchboard(engines, settings, clock, Nowhere(), terms_of=terms_of)
        call = Call("1", Channel.PHONE, Direction.INBOUND, clock.wall(), caller="+1")
        chosen = await switchboard._engines_for(call)
        return chosen.phrases, clock.now()

    assert run_virtual(scene, quick)[0] == ("Anna Brown", "DHL", "tent")
    phrases, waited = run_virtual(scene, slow)
    assert phrases == ("DHL", "tent")
    assert waited <= TERMS_WITHIN + 0.01


class Nowhere:
    """A call log that keeps nothing."""

    def begin(self, call: Call) -> None:
        pass

    def append(self, event: CallEvent) -> None:
        pass
