"""The playout ledger: what was heard is never more than what was played."""

from hypothesis import given
from hypothesis import strategies as st

from voice_agent.pipeline.playout import PlayoutLedger

TEXT = "Your order is on its way."


def spoken(ledger: PlayoutLedger, turn: int = 1) -> None:
    """Six words of half a second each."""
    ledger.begin(turn)
    start = ledger.add_text(turn, TEXT)
    end = 0
    for count, word in enumerate(TEXT.split(), 1):
        end = TEXT.index(word, end) + len(word)
        ledger.add_word(turn, sound_end=0.5 * count, text_end=start + end)
    ledger.add_sound(turn, 3.0)


def test_a_reply_whose_last_mark_came_back_was_heard_whole() -> None:
    ledger = PlayoutLedger()
    spoken(ledger)
    ledger.sent(1, 3.0, at=10.0)
    ledger.mark_sent(1, "end")
    assert ledger.mark_reached("end", at=13.1)
    assert ledger.heard_text(1, 13.1).heard == TEXT
    assert ledger.heard_text(1, 13.1).complete


def test_an_interrupted_reply_ends_at_the_word_that_had_been_played() -> None:
    ledger = PlayoutLedger()
    spoken(ledger)
    ledger.sent(1, 3.0, at=10.0)
    ledger.cleared(at=11.2)
    split = ledger.heard_text(1, 20.0)
    assert split.heard == "Your order"
    assert split.unheard == " is on its way."


def test_a_mark_returned_by_the_clear_proves_nothing() -> None:
    ledger = PlayoutLedger()
    spoken(ledger)
    ledger.sent(1, 3.0, at=10.0)
    ledger.mark_sent(1, "end")
    ledger.cleared(at=10.6)
    assert not ledger.mark_reached("end", at=10.7)
    assert ledger.heard_text(1, 11.0).heard == "Your"


def test_a_stalled_line_is_noticed_by_its_missing_marks() -> None:
    ledger = PlayoutLedger()
    spoken(ledger)
    ledger.sent(1, 1.0, at=10.0)
    ledger.mark_sent(1, "a")
    ledger.sent(1, 2.0, at=10.5)
    assert ledger.heard_seconds(at=13.0) <= 1.5


def test_a_dry_spell_does_not_count_as_played_sound() -> None:
    ledger = PlayoutLedger()
    spoken(ledger)
    ledger.sent(1, 1.0, at=10.0)
    ledger.sent(1, 2.0, at=15.0)
    assert ledger.heard_seconds(at=15.5) == 1.5


def test_what_is_reported_for_an_older_reply_changes_nothing() -> None:
    ledger = PlayoutLedger()
    spoken(ledger, turn=1)
    spoken(ledger, turn=2)
    ledger.sent(1, 3.0, at=1.0)
    assert ledger.heard_seconds(at=9.0) == 0.0
    assert ledger.heard_text(1, 9.0).heard == ""


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("sent"), st.floats(0.01, 2)),
        st.tuples(st.just("mark"), st.just(0.0)),
        st.tuples(st.just("reached"), st.floats(0, 1)),
        st.tuples(st.just("clear"), st.just(0.0)),
        st.tuples(st.just("wait"), st.floats(0, 3)),
    ),
    max_size=40,
)


@given(STEPS)
def test_heard_is_monotone_and_never_more_than_sent(steps: list[tuple[str, float]]) -> None:
    ledger = PlayoutLedger()
    spoken(ledger)
    now, sent, heard, marks = 0.0, 0.0, 0.0, 0
    for step, value in steps:
        match step:
            case "sent":
                ledger.sent(1, value, now)
                sent += value
            case "mark":
                marks += 1
                ledger.mark_sent(1, f"m{marks}")
            case "reached" if marks:
                ledger.mark_reached(f"m{1 + int(value * (marks - 1))}", now)
            case "clear":
                ledger.cleared(now)
            case _:
                now += value
        assert ledger.heard_seconds(now) <= sent + 1e-9
        split = ledger.heard_text(1, now)
        assert split.heard + split.unheard == TEXT
        if step in ("wait", "clear"):
            assert ledger.heard_seconds(now) >= heard - 1e-9
        heard = ledger.heard_seconds(now)
