"""The circuit breaker, told the time by the tests."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from voice_agent.core.errors import (
    ProviderError,
    ProviderGarbage,
    ProviderMisconfigured,
    ProviderRejected,
    ProviderThrottled,
    ProviderUnavailable,
)
from voice_agent.engines.resilience.breaker import (
    BLOCKED_FOR,
    FAILURES,
    MISCONFIGURED_FOR,
    Breaker,
    BreakerState,
)

DOWN = ProviderUnavailable("down", provider="p")


def broken(at: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES):
        assert breaker.admit(at)
        breaker.failed(DOWN, at)
    return breaker


def test_two_failures_leave_it_closed_and_the_third_opens_it() -> None:
    breaker = Breaker()
    states = []
    for _ in range(3):
        breaker.failed(DOWN, 0.0)
        states.append(breaker.state(0.0))
    assert states == [BreakerState.CLOSED, BreakerState.CLOSED, BreakerState.OPEN]


def test_a_success_in_between_starts_the_count_anew() -> None:
    breaker = Breaker()
    for _ in range(5):
        breaker.failed(DOWN, 0.0)
        breaker.failed(DOWN, 0.0)
        breaker.succeeded()
    assert breaker.state(0.0) is BreakerState.CLOSED


def test_it_blocks_for_thirty_seconds_and_then_lets_one_request_through() -> None:
    breaker = broken(100.0)
    assert not breaker.admit(100.0 + BLOCKED_FOR - 0.001)
    assert breaker.state(100.0 + BLOCKED_FOR) is BreakerState.HALF_OPEN
    assert breaker.admit(100.0 + BLOCKED_FOR)
    assert not breaker.admit(100.0 + BLOCKED_FOR)


def test_a_trial_that_succeeds_closes_it() -> None:
    breaker = broken()
    assert breaker.admit(30.0)
    breaker.succeeded()
    assert breaker.state(30.0) is BreakerState.CLOSED
    assert all(breaker.admit(30.0) for _ in range(5))


def test_a_trial_that_fails_blocks_it_for_another_thirty_seconds() -> None:
    breaker = broken()
    assert breaker.admit(30.0)
    breaker.failed(DOWN, 31.0)
    assert breaker.state(60.9) is BreakerState.OPEN
    assert breaker.admit(61.0)


def test_a_trial_that_was_given_up_leaves_room_for_the_next_one() -> None:
    breaker = broken()
    assert breaker.admit(30.0)
    breaker.abandoned()
    assert breaker.admit(30.0)


def test_a_trial_that_never_reports_does_not_block_it_for_ever() -> None:
    breaker = broken()
    assert breaker.admit(30.0)
    assert not breaker.admit(59.9)
    assert breaker.admit(60.0)


def test_a_throttle_blocks_for_the_pause_it_asks_for() -> None:
    breaker = Breaker()
    breaker.failed(ProviderThrottled("slow down", provider="p", retry_after=12.0), 0.0)
    assert breaker.state(11.9) is BreakerState.OPEN
    assert breaker.admit(12.0)


def test_a_wrong_key_blocks_at_once_and_for_long() -> None:
    breaker = Breaker()
    breaker.failed(ProviderMisconfigured("wrong key", provider="p"), 0.0)
    assert breaker.state(MISCONFIGURED_FOR - 1) is BreakerState.OPEN
    assert breaker.last_error == "wrong key"


def test_a_request_at_fault_itself_says_nothing_about_the_engine() -> None:
    breaker = Breaker()
    for _ in range(10):
        breaker.failed(ProviderRejected("too long", provider="p"), 0.0)
    assert breaker.state(0.0) is BreakerState.CLOSED


@pytest.mark.parametrize("error", [DOWN, ProviderGarbage("nonsense", provider="p")])
def test_being_down_and_talking_nonsense_both_count(error: ProviderError) -> None:
    breaker = Breaker()
    for _ in range(FAILURES):
        breaker.failed(error, 0.0)
    assert breaker.state(0.0) is BreakerState.OPEN


class BreakerMachine(RuleBasedStateMachine):
    """Any order of requests and outcomes."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker()
        self.at = 0.0
        self.admitted = 0
        self.row = 0

    @rule(seconds=st.floats(0, 40))
    def time_passes(self, seconds: float) -> None:
        self.at += seconds

    @rule()
    def a_request_comes(self) -> None:
        before = self.breaker.state(self.at)
        if self.breaker.admit(self.at):
            self.admitted += 1
            assert before is not BreakerState.OPEN

    @precondition(lambda self: self.admitted)
    @rule()
    def one_succeeds(self) -> None:
        self.admitted -= 1
        self.row = 0
        self.breaker.succeeded()
        assert self.breaker.state(self.at) is BreakerState.CLOSED

    @precondition(lambda self: self.admitted)
    @rule()
    def one_fails(self) -> None:
        self.admitted -= 1
        self.row += 1
        self.breaker.failed(DOWN, self.at)
        if self.row >= FAILURES:
            assert self.breaker.state(self.at) is BreakerState.OPEN

    @invariant()
    def it_never_blocks_for_ever(self) -> None:
        assert self.breaker.would_admit(self.at + 2 * BLOCKED_FOR)


TestBreakerMachine = BreakerMachine.TestCase


@given(st.lists(st.floats(0, 60), min_size=1, max_size=30))
def test_at_most_one_trial_is_under_way(waits: list[float]) -> None:
    breaker, at, since = broken(), 0.0, None
    for wait in waits:
        at += wait
        if breaker.admit(at):
            assert since is None or at - since >= BLOCKED_FOR
            since = at
