from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.audio import PHONE, WIDEBAND
from voice_agent.simulation.phone_line import PlayoutBuffer

SOUND = st.binary(max_size=700).filter(lambda data: b"\xff" not in data)
STEPS = st.lists(
    st.one_of(
        SOUND.map(lambda data: ("put", data)),
        st.just(("mark", b"")),
        st.just(("clear", b"")),
        st.integers(1, 500).map(lambda n: ("pop", bytes(n))),
    ),
    max_size=60,
)


class Run:
    """Plays steps and keeps what came out."""

    def __init__(self) -> None:
        self.buffer = PlayoutBuffer(PHONE)
        self.queued: list[str] = []
        self.echoed: list[str] = []
        self.expected: list[bytes] = []
        self.played = b""

    def do(self, step: str, data: bytes) -> None:
        if step == "put":
            self.buffer.put(data)
            self.expected.append(data)
        elif step == "mark":
            self.queued.append(f"m{len(self.queued)}")
            self.echoed += self.buffer.mark(self.queued[-1])
        elif step == "clear":
            self.echoed += self.buffer.clear()
            self.expected = [self.played]
        else:
            played = self.buffer.pop(len(data))
            self.played += played.data[: len(played.data) - played.missing]
            self.echoed += played.marks


@given(STEPS)
def test_every_byte_is_played_once_unless_it_was_cleared(steps: list[tuple[str, bytes]]) -> None:
    run = Run()
    for step in [*steps, ("pop", bytes(60_000))]:
        run.do(*step)
    assert run.played == b"".join(run.expected)
    assert len(run.played) == run.buffer.received - run.buffer.cleared
    assert run.buffer.waiting == 0


@given(STEPS)
def test_every_mark_is_echoed_once_and_in_order(steps: list[tuple[str, bytes]]) -> None:
    run = Run()
    for step in steps:
        run.do(*step)
        assert run.echoed == run.queued[: len(run.echoed)]
    run.do("pop", bytes(60_000))
    assert run.echoed == run.queued


@given(STEPS)
def test_a_pop_is_always_filled_with_silence(steps: list[tuple[str, bytes]]) -> None:
    buffer = PlayoutBuffer(PHONE)
    for step, data in steps:
        if step == "put":
            buffer.put(data)
        if step == "pop":
            played = buffer.pop(len(data))
            assert len(played.data) == len(data)
            assert played.data[len(data) - played.missing :] == b"\xff" * played.missing


def test_a_mark_is_echoed_only_after_the_last_byte_before_it() -> None:
    buffer = PlayoutBuffer(PHONE)
    buffer.put(bytes(200))
    assert buffer.mark("end") == ()
    assert buffer.pop(160).marks == ()
    last = buffer.pop(160)
    assert (last.marks, last.missing) == (("end",), 120)


def test_a_mark_between_two_sounds_comes_with_the_frame_that_passes_it() -> None:
    buffer = PlayoutBuffer(PHONE)
    buffer.put(b"\x01" * 100)
    buffer.mark("middle")
    buffer.put(b"\x02" * 100)
    played = buffer.pop(160)
    assert played.data == b"\x01" * 100 + b"\x02" * 60
    assert played.marks == ("middle",)


def test_a_mark_on_an_empty_buffer_returns_at_once() -> None:
    assert PlayoutBuffer(PHONE).mark("now") == ("now",)


def test_clear_returns_the_waiting_marks_and_leaves_silence() -> None:
    buffer = PlayoutBuffer(PHONE)
    buffer.put(bytes(1000))
    buffer.mark("a")
    buffer.put(bytes(1000))
    buffer.mark("b")
    buffer.pop(160)
    assert buffer.clear() == ("a", "b")
    assert buffer.pop(160).missing == 160
    assert buffer.cleared == 2000 - 160


def test_silence_of_linear_sound_is_zero() -> None:
    assert PlayoutBuffer(WIDEBAND).pop(640).data == bytes(640)
