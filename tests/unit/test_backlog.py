"""The backlog keeps order, its bound, and what matters most."""

from hypothesis import given
from hypothesis import strategies as st

from voice_agent.storage.backlog import Backlog, Weight

weights = st.lists(st.sampled_from(Weight), max_size=60)


@given(weights, st.integers(1, 12))
def test_a_full_backlog_keeps_the_heaviest_in_order(came: list[Weight], capacity: int) -> None:
    backlog = Backlog[int](capacity)
    for number, weight in enumerate(came):
        backlog.put(number, weight)
        assert len(backlog) <= capacity
    kept = backlog.take(1000)
    assert kept == sorted(kept)
    assert len(kept) + sum(backlog.dropped.values()) == len(came)
    heaviest = sorted(came, reverse=True)[:capacity]
    assert sorted((came[number] for number in kept), reverse=True) == heaviest


@given(weights, st.lists(st.integers(1, 7), max_size=20))
def test_taking_in_portions_gives_everything_once_in_order(
    came: list[Weight], portions: list[int]
) -> None:
    backlog = Backlog[int](1000)
    for number, weight in enumerate(came):
        backlog.put(number, weight)
    taken: list[int] = []
    for portion in [*portions, 1000]:
        taken += backlog.take(portion)
        assert backlog.oldest == len(taken) + 1
    assert taken == list(range(len(came)))
    assert not len(backlog)


def test_of_equal_weight_the_oldest_goes() -> None:
    backlog = Backlog[str](2)
    for item in ("a", "b", "c"):
        backlog.put(item, Weight.ORDINARY)
    assert backlog.take(9) == ["b", "c"]


def test_an_interim_item_never_displaces_a_heavier_one() -> None:
    backlog = Backlog[str](1)
    backlog.put("begin", Weight.FRAME)
    backlog.put("hm", Weight.INTERIM)
    assert backlog.take(9) == ["begin"]
    assert backlog.dropped[Weight.INTERIM] == 1
