"""Seats on shared sockets, counted."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from voice_agent.engines.tts.socket_seating import FINAL_WITHIN, Seating, SocketRules

COUNTED = SocketRules(seats=4, until_final=True, longest_idle=100, keep_alive="x")
FORGOTTEN = SocketRules(seats=3, until_final=False, longest_idle=100)
ADDRESSES = ("here", "there")

steps = st.lists(
    st.tuples(
        st.sampled_from(["begin", "leave", "final", "retire", "remove", "sweep"]),
        st.integers(0, 30),
        st.floats(0, 20),
    ),
    max_size=60,
)


class Follower:
    """Plays steps the way the pool does, and remembers for itself who sits where."""

    def __init__(self, rules: SocketRules) -> None:
        self.rules = rules
        self.seating = Seating(rules)
        self.now = 0.0
        self.sockets: dict[int, str] = {}
        self.retired: set[int] = set()
        self.listening: dict[str, int] = {}
        self.left: dict[str, int] = {}

    def play(self, step: str, pick: int, wait: float) -> None:
        self.now += wait
        getattr(self, step)(pick)

    def begin(self, pick: int) -> None:
        address = ADDRESSES[pick % 2]
        number = self.seating.free(address)
        if number is None:
            number = self.seating.add(address, self.now)
            self.sockets[number] = address
        assert self.sockets[number] == address
        assert number not in self.retired
        context = f"c{self.now}-{len(self.listening)}-{len(self.left)}-{pick}-{number}"
        self.seating.sit(number, context, self.now)
        self.listening[context] = number

    def leave(self, pick: int) -> None:
        if not self.listening:
            return
        context = sorted(self.listening)[pick % len(self.listening)]
        number = self.listening.pop(context)
        if self.rules.until_final:
            self.left[context] = number
        closing = self.seating.leave(context, self.now, begun=True)
        alone = number not in self.listening.values()
        assert (closing == number) == (number in self.retired and alone)

    def final(self, pick: int) -> None:
        known = sorted(self.listening | self.left)
        context = known[pick % len(known)] if known else "nobody"
        self.seating.final(context)
        self.listening.pop(context, None)
        self.left.pop(context, None)

    def retire(self, pick: int) -> None:
        if self.sockets:
            number = sorted(self.sockets)[pick % len(self.sockets)]
            assert self.seating.retire(number) == (number not in self.listening.values())
            self.retired.add(number)

    def remove(self, pick: int) -> None:
        if self.sockets:
            self.drop(sorted(self.sockets)[pick % len(self.sockets)])

    def drop(self, number: int) -> None:
        lost = {context for context, socket in self.listening.items() if socket == number}
        assert set(self.seating.remove(number)) == lost
        del self.sockets[number]
        self.listening = {c: n for c, n in self.listening.items() if n != number}
        self.left = {c: n for c, n in self.left.items() if n != number}

    def sweep(self, _pick: int) -> None:
        due = self.seating.sweep(self.now)
        assert not set(due.close) & set(due.keep_alive)
        assert not set(due.close) & set(self.listening.values())
        for number in due.close:
            self.drop(number)
        # One whose context never ended is retired, which only shows when it is asked for.
        self.retired |= {n for n in self.sockets if n in self.left.values()} & {
            n for n in self.sockets if self.seating.free(self.sockets[n]) != n
        }


@given(steps, st.sampled_from([COUNTED, FORGOTTEN]))
def test_no_socket_ever_holds_more_contexts_than_it_has_seats(
    played: list[tuple[str, int, float]], rules: SocketRules
) -> None:
    follower = Follower(rules)
    for step in played:
        follower.play(*step)
        taken = Counter([*follower.listening.values(), *follower.left.values()])
        assert all(count <= rules.seats for count in taken.values())


def test_a_closed_context_counts_until_its_end_has_come() -> None:
    seating = Seating(COUNTED)
    socket = seating.add("here", 0)
    for number in range(4):
        seating.sit(socket, f"c{number}", 0)
        seating.leave(f"c{number}", 0, begun=True)
    assert seating.free("here") is None
    seating.final("c2")
    assert seating.free("here") == socket


def test_a_context_that_was_never_sent_leaves_its_seat_at_once() -> None:
    seating = Seating(COUNTED)
    socket = seating.add("here", 0)
    for number in range(40):
        seating.sit(socket, f"c{number}", 0)
        seating.leave(f"c{number}", 0, begun=False)
    assert seating.free("here") == socket


def test_a_cancelled_context_takes_no_seat_where_the_provider_forgets_it() -> None:
    seating = Seating(FORGOTTEN)
    socket = seating.add("here", 0)
    for number in range(40):
        seating.sit(socket, f"c{number}", 0)
        seating.leave(f"c{number}", 0, begun=True)
    assert seating.free("here") == socket


def test_a_socket_whose_context_never_ends_is_given_up() -> None:
    seating = Seating(COUNTED)
    socket = seating.add("here", 0)
    seating.sit(socket, "lost", 0)
    seating.leave("lost", 0, begun=True)
    assert seating.sweep(FINAL_WITHIN - 0.1).close == ()
    assert seating.sweep(FINAL_WITHIN + 0.1).close == (socket,)


def test_a_socket_is_kept_awake_while_idle_and_closed_after_long_idleness() -> None:
    seating = Seating(COUNTED)
    socket = seating.add("here", 0)
    assert seating.sweep(59).keep_alive == ()
    assert seating.sweep(61).keep_alive == (socket,)
    assert seating.sweep(62).keep_alive == ()
    assert seating.sweep(101).close == (socket,)


def test_a_socket_with_a_listener_is_neither_closed_nor_prodded() -> None:
    seating = Seating(COUNTED)
    socket = seating.add("here", 0)
    seating.sit(socket, "talking", 0)
    due = seating.sweep(1000)
    assert due.close == due.keep_alive == ()


def test_the_emptiest_socket_of_an_address_is_taken() -> None:
    seating = Seating(COUNTED)
    full, empty = seating.add("here", 0), seating.add("here", 0)
    seating.add("there", 0)
    seating.sit(full, "c", 0)
    assert seating.free("here") == empty


def test_a_retired_socket_takes_nobody_and_closes_with_its_last_listener() -> None:
    seating = Seating(COUNTED)
    socket = seating.add("here", 0)
    seating.sit(socket, "c", 0)
    assert seating.retire(socket) is False
    assert seating.free("here") is None
    assert seating.leave("c", 1, begun=True) == socket
