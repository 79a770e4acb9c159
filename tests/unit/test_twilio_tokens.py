"""One-time tokens for media streams."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.call import Call, Channel, Direction
from voice_agent.telephony.twilio.tokens import TOKEN_SECONDS, StreamTokens

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def call(sid: str) -> Call:
    return Call(sid, Channel.PHONE, Direction.INBOUND, NOON)


def test_a_token_opens_its_own_call_once() -> None:
    tokens = StreamTokens()
    token = tokens.issue(call("CA1"), 0.0)
    assert tokens.redeem(token, "CA2", 1.0) is None
    assert tokens.redeem("guess", "CA1", 1.0) is None
    assert tokens.redeem(token, "CA1", 1.0) == call("CA1")
    assert tokens.redeem(token, "CA1", 1.0) is None


def test_a_token_lives_a_minute() -> None:
    tokens = StreamTokens()
    early, late = tokens.issue(call("CA1"), 0.0), tokens.issue(call("CA2"), 0.0)
    assert tokens.redeem(early, "CA1", TOKEN_SECONDS) is not None
    assert tokens.redeem(late, "CA2", TOKEN_SECONDS + 0.001) is None


def test_a_repeated_webhook_replaces_the_token() -> None:
    tokens = StreamTokens()
    first, second = tokens.issue(call("CA1"), 0.0), tokens.issue(call("CA1"), 1.0)
    assert tokens.redeem(first, "CA1", 2.0) is None
    assert tokens.redeem(second, "CA1", 2.0) is not None


def test_a_flood_of_calls_forgets_the_oldest() -> None:
    tokens = StreamTokens(capacity=3)
    issued = [tokens.issue(call(f"CA{i}"), float(i)) for i in range(5)]
    assert len(tokens) == 3
    found = [tokens.redeem(token, f"CA{i}", 5.0) is not None for i, token in enumerate(issued)]
    assert found == [False, False, True, True, True]


@given(st.text(), st.text())
def test_any_token_and_call_can_be_asked_for(token: str, sid: str) -> None:
    tokens = StreamTokens()
    tokens.issue(call("CA1"), 0.0)
    assert tokens.redeem(token, sid, 0.0) is None
    assert tokens.redeem(token, "CA1", 0.0) is None


@given(st.lists(st.tuples(st.integers(0, 30), st.floats(0, 50)), max_size=40))
def test_expired_calls_are_swept_away(steps: list[tuple[int, float]]) -> None:
    tokens, now = StreamTokens(), 0.0
    alive: dict[int, float] = {}
    for number, wait in steps:
        now += wait
        tokens.issue(call(f"CA{number}"), now)
        alive[number] = now
        assert len(tokens) == sum(now <= at + TOKEN_SECONDS for at in alive.values())
