"""The order in which voices are tried follows the mode, and a reply keeps its voice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.engines.tts.router import Candidate, ClauseContext, Mode, TTSRouter


def candidate(
    name: str, quality: float, first_sound_ms: float, usd: float, *, voice: str = ""
) -> Candidate:
    traits = {
        "quality": quality,
        "first_sound_ms": first_sound_ms,
        "usd_per_1000_characters": usd,
    }
    return Candidate(name, traits, voice=voice)


STUDIO = candidate("studio", 0.95, 900, 0.08)
FLASH = candidate("flash", 0.9, 200, 0.04)
SONIC = candidate("sonic", 0.85, 120, 0.05)
EMBEDDED = candidate("embedded", 0.3, 15, 0.0)
ALL = [EMBEDDED, STUDIO, FLASH, SONIC]

LONG = "Your order has been shipped and will arrive on Monday."


def order(mode: Mode, context: ClauseContext, candidates: list[Candidate] = ALL) -> list[str]:
    return TTSRouter(mode).order(candidates, context)


@pytest.mark.parametrize(
    ("mode", "names"),
    [
        (Mode.SPEED, ["embedded", "sonic", "flash", "studio"]),
        (Mode.QUALITY, ["studio", "flash", "sonic", "embedded"]),
        (Mode.COST, ["embedded", "flash", "sonic", "studio"]),
    ],
)
def test_a_mode_is_an_order(mode: Mode, names: list[str]) -> None:
    assert order(mode, ClauseContext(LONG)) == names


def test_what_was_measured_counts_more_than_what_is_promised() -> None:
    router = TTSRouter(Mode.SPEED)
    for _ in range(10):
        router.observe("sonic", 0.5)
        router.observe("studio", 0.01)

    assert router.order(ALL, ClauseContext(LONG)) == ["studio", "embedded", "flash", "sonic"]


def test_one_slow_answer_does_not_make_an_engine_slow_but_counts_as_its_worst() -> None:
    router = TTSRouter()
    for seconds in [0.1] * 18 + [2.0, 2.0]:
        router.observe("flash", seconds)

    assert router.first_sound(FLASH) == 0.1
    assert router.first_sound(FLASH, 0.95) == 2.0


def test_old_measurements_are_forgotten() -> None:
    router = TTSRouter()
    for seconds in [9.0] * 50 + [0.1] * 50:
        router.observe("flash", seconds)

    assert router.first_sound(FLASH, 0.95) == 0.1


def test_a_clip_that_was_kept_does_not_make_an_engine_quick() -> None:
    router = TTSRouter()
    router.observe("studio", 0.0001)

    assert router.first_sound(STUDIO) == 0.9


def test_auto_begins_with_the_best_of_those_that_begin_at_once() -> None:
    assert order(Mode.AUTO, ClauseContext(LONG)) == ["flash", "sonic", "embedded", "studio"]


def test_auto_takes_the_best_when_there_is_sound_left_to_hear() -> None:
    context = ClauseContext(LONG, buffered=1.5)

    assert order(Mode.AUTO, context)[0] == "studio"


def test_auto_goes_by_the_slow_days_of_an_engine() -> None:
    router = TTSRouter()
    for seconds in [0.3] * 10 + [3.0] * 10:
        router.observe("studio", seconds)

    assert router.order(ALL, ClauseContext(LONG, buffered=1.5))[0] == "flash"


SAME = [
    candidate("plain-model", 0.8, 100, 0.04, voice="Anna"),
    candidate("fine-model", 0.95, 700, 0.08, voice="Anna"),
    candidate("other", 1.0, 10, 0.0),
]


def test_engines_that_sound_the_same_take_turns_within_a_reply() -> None:
    router = TTSRouter()
    in_time = ClauseContext(LONG, current="plain-model", buffered=2.0)
    short = ClauseContext("Sure.", current="fine-model", buffered=0.1)
    starved = ClauseContext(LONG, current="fine-model", buffered=0.3)

    assert router.order(SAME, in_time) == ["fine-model", "plain-model", "other"]
    assert router.order(SAME, short)[0] == "plain-model"
    assert router.order(SAME, starved)[0] == "plain-model"


@pytest.mark.parametrize("mode", Mode)
@pytest.mark.parametrize("speaking", ALL, ids=lambda c: c.name)
def test_a_reply_keeps_its_voice(mode: Mode, speaking: Candidate) -> None:
    context = ClauseContext(LONG, current=speaking.name, buffered=5.0, budget_left=0.0)

    assert order(mode, context)[0] == speaking.name


@pytest.mark.parametrize("mode", Mode)
def test_only_a_failure_changes_the_voice(mode: Mode) -> None:
    context = ClauseContext(LONG, current="studio", failed=frozenset({"studio"}))
    names = order(mode, context)

    assert names[-1] == "studio"
    assert names[:-1] == [n for n in order(mode, ClauseContext(LONG)) if n != "studio"]


def test_what_is_ill_comes_last_but_is_named() -> None:
    ill = Candidate("flash", FLASH.traits, healthy=False)

    assert order(Mode.QUALITY, ClauseContext(LONG), [ill, STUDIO, EMBEDDED]) == [
        "studio",
        "embedded",
        "flash",
    ]


def test_a_spent_budget_is_felt_at_the_next_reply() -> None:
    spent = ClauseContext(LONG, budget_left=0.0)

    assert order(Mode.AUTO, spent)[0] == "embedded"
    assert order(Mode.AUTO, ClauseContext(LONG, budget_left=0.5))[0] == "flash"
    assert order(Mode.QUALITY, spent)[0] == "studio"


def test_what_does_not_say_its_price_is_the_dearest_and_its_pace_the_slowest() -> None:
    unknown = Candidate("unknown")

    assert order(Mode.COST, ClauseContext(LONG), [unknown, STUDIO])[-1] == "unknown"
    assert order(Mode.SPEED, ClauseContext(LONG), [unknown, STUDIO])[-1] == "unknown"


def test_nobody_is_an_order_too() -> None:
    assert order(Mode.AUTO, ClauseContext(LONG), []) == []


candidates = st.lists(
    st.builds(
        Candidate,
        st.sampled_from("abcdef"),
        st.dictionaries(
            st.sampled_from(["quality", "first_sound_ms", "usd_per_1000_characters"]),
            st.floats(0, 1000),
        ),
        st.booleans(),
        st.sampled_from(["", "x", "y"]),
    ),
    max_size=6,
    unique_by=lambda c: c.name,
)
contexts = st.builds(
    ClauseContext,
    st.sampled_from(["Sure.", LONG]),
    st.sampled_from(["", "a", "b", "gone"]),
    st.frozensets(st.sampled_from("abc")),
    st.floats(0, 10),
    st.none() | st.floats(-1, 1),
)
measurements = st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 5)), max_size=30)


@given(st.sampled_from(Mode), candidates, contexts, measurements)
def test_everybody_is_named_once_and_the_usable_first(
    mode: Mode,
    known: list[Candidate],
    context: ClauseContext,
    measured: list[tuple[str, float]],
) -> None:
    router = TTSRouter(mode)
    for name, seconds in measured:
        router.observe(name, seconds)
    names = router.order(known, context)
    by_name = {each.name: each for each in known}
    usable = [by_name[n].healthy and n not in context.failed for n in names]

    assert sorted(names) == sorted(by_name)
    assert usable == sorted(usable, reverse=True)
    speaking = by_name.get(context.current)
    same = [n for n, ok in zip(names, usable, strict=True) if ok and speaking]
    if speaking and any(by_name[n].sound == speaking.sound for n in same):
        assert by_name[names[0]].sound == speaking.sound
