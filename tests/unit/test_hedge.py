"""When and how often a second model is asked."""

from hypothesis import given
from hypothesis import strategies as st

from voice_agent.engines.resilience.hedge import (
    ENOUGH,
    SHARE,
    SHORTEST_DELAY,
    UNKNOWN_DELAY,
    HedgePolicy,
)


def test_while_too_little_is_known_it_waits_a_second() -> None:
    policy = HedgePolicy()
    for _ in range(ENOUGH - 1):
        policy.answered(0.1)
    assert policy.delay == UNKNOWN_DELAY


def test_then_it_waits_for_the_95th_percentile() -> None:
    policy = HedgePolicy()
    for number in range(100):
        policy.answered(0.5 + number / 100)
    assert 1.4 <= policy.delay <= 1.5


@given(st.lists(st.floats(0, 30), max_size=200))
def test_it_never_hedges_at_once(times: list[float]) -> None:
    policy = HedgePolicy()
    for seconds in times:
        policy.answered(seconds)
    assert policy.delay >= SHORTEST_DELAY


@given(st.lists(st.booleans(), min_size=1, max_size=400))
def test_at_most_one_request_in_twenty_is_hedged(slow: list[bool]) -> None:
    policy, hedged = HedgePolicy(), 0
    for is_slow in slow:
        policy.asked()
        hedged += is_slow and policy.spend()
    assert hedged <= 1 + SHARE * len(slow)
