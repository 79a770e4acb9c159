"""Who may speak: single situations first, then what must hold in any order of events."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.core.call import Disposition
from voice_agent.pipeline.turn_taker import State, TurnTaker
from voice_agent.pipeline.turns import (
    BeginReply,
    CallerStarted,
    CallerStopped,
    CallOpened,
    CancelReply,
    Command,
    EndCall,
    EndRequested,
    Event,
    HungUp,
    LeaveRequested,
    Reassure,
    ReplyAudible,
    ReplyFinished,
    ReplyQuiet,
    ReplyReason,
    SetTimer,
    StopTimer,
    TextEntered,
    TextHeard,
    Timer,
    TimerFired,
    TurnPolicy,
)


@dataclass
class Table:
    """A call in progress: the machine, the time, its timers and what it commanded."""

    machine: TurnTaker = field(default_factory=TurnTaker)
    now: float = 0.0
    timers: dict[Timer, float] = field(default_factory=dict)
    said: list[Command] = field(default_factory=list)

    def tell(self, event: Event, after: float = 0.01) -> list[Command]:
        self.now += after
        commands = self.machine.handle(event, self.now)
        for command in commands:
            if isinstance(command, SetTimer):
                self.timers[command.timer] = command.at
            elif isinstance(command, StopTimer):
                self.timers.pop(command.timer, None)
            else:
                self.said.append(command)
        return commands

    def wait(self, seconds: float) -> list[Command]:
        """Let time pass; timers fire in their order."""
        end, before = self.now + seconds, len(self.said)
        while self.timers and min(self.timers.values()) <= end:
            timer = min(self.timers, key=lambda t: self.timers[t])
            self.now = max(self.now, self.timers.pop(timer))
            self.tell(TimerFired(timer), after=0.0)
        self.now = end
        return self.said[before:]

    def greeted(self) -> "Table":
        self.tell(CallOpened())
        self.tell(ReplyAudible(1))
        self.tell(ReplyFinished(1), after=2.0)
        return self

    def caller_says(self, text: str, completeness: float | None = 1.0) -> None:
        self.tell(CallerStarted())
        self.tell(CallerStopped(self.now + 0.8), after=1.0)
        self.tell(TextHeard(text, final=True, completeness=completeness), after=0.15)

    @property
    def state(self) -> State:
        return self.machine.state

    def replies(self) -> list[BeginReply]:
        return [command for command in self.said if isinstance(command, BeginReply)]


def test_the_agent_speaks_first() -> None:
    table = Table()
    table.tell(CallOpened())
    assert [r.reason for r in table.replies()] == [ReplyReason.GREET]
    assert table.state is State.THINKING


def test_a_finished_sentence_is_answered_after_the_short_patience() -> None:
    table = Table().greeted()
    table.caller_says("where is my order")
    assert table.state is State.THINKING
    assert table.replies()[-1].text == "where is my order"


def test_an_unfinished_sentence_is_given_the_long_patience() -> None:
    table = Table().greeted()
    table.caller_says("my order number is", completeness=0.001)
    assert table.state is State.ENDPOINTING
    table.wait(0.4)
    assert table.state is State.ENDPOINTING
    table.wait(0.4)
    assert table.replies()[-1].text == "my order number is"


def test_a_pause_inside_a_sentence_joins_both_parts_into_one_turn() -> None:
    table = Table().greeted()
    table.caller_says("my order number is", completeness=0.001)
    table.caller_says("ten forty two")
    assert table.replies()[-1].text == "my order number is ten forty two"
    assert len(table.replies()) == 2


def ends_turn(text: str, voiced_until: float) -> TextHeard:
    return TextHeard(text, final=True, ends_turn=True, voiced_until=voiced_until)


def test_a_recogniser_that_knows_the_end_of_the_turn_is_not_waited_for_twice() -> None:
    table = Table().greeted()
    table.tell(CallerStarted())
    table.tell(ends_turn("where is my order", table.now + 0.7), after=1.0)
    assert table.state is State.THINKING
    assert table.replies()[-1].text == "where is my order"
    assert table.replies()[-1].voiced_until == pytest.approx(table.now - 0.3)


def test_the_silence_that_is_noticed_later_changes_nothing_then() -> None:
    table = Table().greeted()
    table.tell(CallerStarted())
    table.tell(ends_turn("where is my order", table.now + 0.7), after=1.0)
    assert table.tell(CallerStopped(table.now - 0.2)) == []
    assert table.tell(TextHeard("", final=True)) == []
    assert table.state is State.THINKING


def test_words_after_a_wrong_end_of_turn_take_the_reply_back() -> None:
    table = Table().greeted()
    table.tell(CallerStarted())
    table.tell(ends_turn("my order is", table.now + 0.9), after=1.0)
    commands = table.tell(TextHeard("ten forty", final=False), after=0.3)
    assert CancelReply(2, withdraw=True) in commands
    table.tell(ends_turn("ten forty two", table.now + 0.5), after=0.7)
    assert table.replies()[-1].text == "my order is ten forty two"


def test_a_late_word_of_the_same_sentence_takes_nothing_back() -> None:
    table = Table().greeted()
    table.tell(CallerStarted())
    table.tell(ends_turn("my order is ten", table.now + 0.9), after=1.0)
    table.tell(CallerStopped(table.now - 0.1))
    assert table.tell(TextHeard("is ten", final=False)) == []


def test_a_caller_who_waited_for_the_text_is_reassured_sooner() -> None:
    table = Table().greeted()
    table.caller_says("where is my order")
    table.wait(0.3)
    spoke_until = table.replies()[-1].voiced_until
    assert spoke_until is not None
    assert table.timers[Timer.DEAD_AIR] == spoke_until + TurnPolicy().dead_air


def test_talking_over_the_reply_cancels_it() -> None:
    table = Table().greeted()
    table.caller_says("where is my order")
    table.tell(ReplyAudible(2))
    assert CancelReply(2) in table.tell(CallerStarted())
    assert table.state is State.USER_SPEAKING


def test_going_on_before_the_reply_is_heard_makes_one_turn_of_both_parts() -> None:
    table = Table().greeted()
    table.caller_says("where is my order")
    assert CancelReply(2, withdraw=True) in table.tell(CallerStarted())
    table.tell(CallerStopped(table.now + 0.3), after=0.5)
    table.tell(TextHeard("ten forty two", final=True), after=0.3)
    assert table.replies()[-1].text == "where is my order ten forty two"


def test_a_cough_over_the_reply_makes_the_agent_resume() -> None:
    table = Table().greeted()
    table.caller_says("where is my order")
    table.tell(ReplyAudible(2))
    table.caller_says("")
    assert table.replies()[-1].reason is ReplyReason.RESUME


def test_a_noise_before_the_reply_is_heard_does_not_lose_the_question() -> None:
    table = Table().greeted()
    table.caller_says("where is my order")
    table.caller_says("")
    assert table.replies()[-1].reason is ReplyReason.RESPOND
    assert table.replies()[-1].text == "where is my order"


def test_noise_without_words_is_never_answered() -> None:
    table = Table().greeted()
    before = len(table.replies())
    table.caller_says("")
    assert len(table.replies()) == before
    assert table.state is State.LISTENING


def test_noise_does_not_buy_more_idle_time() -> None:
    table = Table().greeted()
    policy = TurnPolicy()
    greeted_at = table.now
    while table.now < greeted_at + policy.idle - 2:
        table.caller_says("")
        table.wait(0.5)
    table.wait(greeted_at + policy.idle + 0.1 - table.now)
    assert table.replies()[-1].reason is ReplyReason.PROMPT


def test_a_silent_caller_is_prompted_twice_and_then_left_with_a_goodbye() -> None:
    table = Table().greeted()
    for _ in range(2):
        table.wait(8.5)
        assert table.replies()[-1].reason is ReplyReason.PROMPT
        turn = table.replies()[-1].turn
        table.tell(ReplyAudible(turn))
        table.tell(ReplyFinished(turn), after=1.0)
    table.wait(8.5)
    goodbye = table.replies()[-1]
    assert goodbye.reason is ReplyReason.FAREWELL
    table.tell(ReplyAudible(goodbye.turn))
    assert table.state is State.SPEAKING
    table.tell(ReplyFinished(goodbye.turn), after=3.0)
    assert table.said[-1] == EndCall(Disposition.CALLER_IDLE)


def test_a_slow_reply_is_covered_by_a_reassurance_and_in_the_end_by_an_apology() -> None:
    table = Table().greeted()
    table.caller_says("where is my order")
    assert Reassure(2) in table.wait(1.5)
    table.wait(30)
    assert CancelReply(2) in table.said
    assert table.replies()[-1].reason is ReplyReason.APOLOGISE


def test_a_reply_that_dries_up_in_the_middle_is_covered_too() -> None:
    table = Table().greeted()
    table.caller_says("where is my order")
    table.tell(ReplyAudible(2))
    table.tell(ReplyQuiet(2), after=1.0)
    assert Reassure(2) in table.wait(1.5)


def test_an_empty_reply_becomes_an_audible_apology() -> None:
    table = Table().greeted()
    table.caller_says("where is my order")
    table.tell(ReplyFinished(2, heard=False))
    assert table.replies()[-1].reason is ReplyReason.APOLOGISE


def test_a_call_whose_voice_is_dead_ends_instead_of_staying_silent() -> None:
    table = Table().greeted()
    table.caller_says("where is my order")
    for turn in (2, 3, 4):
        table.tell(ReplyFinished(turn, heard=False))
    assert table.said[-1] == EndCall(Disposition.FAILED)


def test_the_goodbye_is_heard_before_the_line_is_closed() -> None:
    table = Table().greeted()
    table.caller_says("bye")
    table.tell(EndRequested(2, Disposition.AGENT_ENDED))
    table.tell(ReplyAudible(2))
    assert not any(isinstance(c, EndCall) for c in table.said)
    table.tell(ReplyFinished(2), after=1.5)
    assert table.said[-1] == EndCall(Disposition.AGENT_ENDED)


def test_a_caller_who_says_something_during_the_goodbye_keeps_the_line() -> None:
    table = Table().greeted()
    table.caller_says("bye")
    table.tell(EndRequested(2, Disposition.AGENT_ENDED))
    table.tell(ReplyAudible(2))
    table.caller_says("wait one more thing")
    answer = table.replies()[-1]
    assert answer.text == "wait one more thing"
    table.tell(ReplyAudible(answer.turn))
    table.tell(ReplyFinished(answer.turn), after=1.0)
    assert table.state is State.LISTENING


def test_the_longest_call_ends_with_a_goodbye_that_cannot_be_talked_away() -> None:
    table = Table(TurnTaker(TurnPolicy(longest_call=60, idle=100))).greeted()
    table.wait(60)
    goodbye = table.replies()[-1]
    assert goodbye.disposition is Disposition.TOO_LONG
    table.tell(ReplyAudible(goodbye.turn))
    table.tell(CallerStarted())
    assert table.state is State.OVERLAP
    table.tell(ReplyFinished(goodbye.turn), after=2.0)
    assert table.said[-1] == EndCall(Disposition.TOO_LONG)


def test_a_caller_who_never_stops_is_answered_in_the_end() -> None:
    table = Table().greeted()
    table.tell(CallerStarted())
    table.tell(TextHeard("and then i said", final=False), after=5.0)
    table.wait(30)
    assert table.replies()[-1].text == "and then i said"


def test_endless_noise_without_words_is_met_with_a_question() -> None:
    table = Table().greeted()
    table.tell(CallerStarted())
    table.wait(31)
    assert table.replies()[-1].reason is ReplyReason.ASK_AGAIN


def waiting_for_text() -> Table:
    table = Table().greeted()
    table.tell(CallerStarted())
    table.tell(CallerStopped(table.now + 1), after=1.2)
    return table


def test_text_that_is_late_is_covered_by_a_reassurance_and_answered_after_it() -> None:
    table = waiting_for_text()
    table.wait(1.1)
    assert table.replies()[-1].reason is ReplyReason.HOLD_ON
    table.tell(ReplyAudible(2))
    table.tell(TextHeard("where is it", final=True, completeness=1.0))
    assert table.replies()[-1].reason is ReplyReason.HOLD_ON
    table.tell(ReplyFinished(2), after=0.8)
    assert (table.replies()[-1].reason, table.replies()[-1].text) == (
        ReplyReason.RESPOND,
        "where is it",
    )


def test_a_recogniser_that_never_answers_is_covered_by_a_question() -> None:
    table = waiting_for_text()
    table.wait(1.1)
    table.tell(ReplyAudible(2))
    table.tell(ReplyFinished(2), after=0.8)
    table.wait(1.3)
    assert table.replies()[-1].reason is ReplyReason.ASK_AGAIN
    assert [reply.reason for reply in table.replies()].count(ReplyReason.HOLD_ON) == 1


def test_a_caller_who_goes_on_during_the_reassurance_is_answered_for_everything() -> None:
    table = waiting_for_text()
    table.wait(1.1)
    table.tell(ReplyAudible(2))
    table.tell(CallerStarted())
    table.tell(TextHeard("my order is", final=True, completeness=1.0))
    table.tell(CallerStopped(table.now + 0.5), after=0.7)
    table.tell(TextHeard("ten forty two", final=True, completeness=1.0))
    table.wait(0.5)
    assert table.replies()[-1].text == "my order is ten forty two"


def test_keys_are_answered_at_once_even_over_the_reply() -> None:
    table = Table()
    table.tell(CallOpened())
    table.tell(ReplyAudible(1))
    table.tell(TextEntered("1 0 4 2"))
    assert CancelReply(1) in table.said
    assert table.replies()[-1].text == "1 0 4 2"


def test_events_of_an_old_turn_change_nothing() -> None:
    table = Table().greeted()
    table.caller_says("where is my order")
    table.tell(ReplyAudible(1))
    assert table.state is State.THINKING
    table.tell(ReplyFinished(1))
    assert table.state is State.THINKING


def test_after_hanging_up_nothing_happens_any_more() -> None:
    table = Table().greeted()
    table.tell(HungUp(Disposition.CALLER_HUNG_UP))
    assert table.said[-1] == EndCall(Disposition.CALLER_HUNG_UP)
    assert table.tell(CallerStarted()) == []
    assert table.timers == {}


# ── in any order ────────────────────────────────────────────────────────────────────────

TURNS = st.integers(0, 12)
EVENTS = st.one_of(
    st.just(CallOpened()),
    st.just(CallerStarted()),
    st.builds(CallerStopped, st.floats(0, 100)),
    st.builds(
        TextHeard,
        st.sampled_from(["", "yes", "where is my order"]),
        st.booleans(),
        st.floats(0, 1),
        st.none() | st.floats(0, 1),
    ),
    st.builds(TextEntered, st.just("1 2")),
    st.builds(ReplyAudible, TURNS),
    st.builds(ReplyQuiet, TURNS),
    st.builds(ReplyFinished, TURNS, st.booleans()),
    st.builds(EndRequested, TURNS, st.just(Disposition.AGENT_ENDED)),
    st.builds(HungUp, st.just(Disposition.CALLER_HUNG_UP)),
    st.builds(LeaveRequested, st.just(Disposition.SERVER_STOPPED)),
)
STEPS = st.lists(st.tuples(EVENTS | st.floats(0.0, 40.0), st.floats(0, 3)), min_size=1, max_size=60)


def play(steps: list[tuple[Event | float, float]]) -> Table:
    table = Table()
    table.tell(CallOpened())
    for event, after in steps:
        if isinstance(event, float):
            table.wait(event)
        else:
            table.tell(event, after)
    return table


@given(STEPS)
def test_at_most_one_reply_is_ever_alive(steps: list[tuple[Event | float, float]]) -> None:
    alive: set[int] = set()
    table = Table()
    for event, after in [(CallOpened(), 0.0), *steps]:
        if isinstance(event, ReplyFinished) and event.turn == table.machine.turn:
            alive.discard(event.turn)
        commands = table.wait(event) if isinstance(event, float) else table.tell(event, after)
        for command in commands:
            if isinstance(command, CancelReply):
                alive.discard(command.turn)
            if isinstance(command, BeginReply):
                assert not alive
                alive.add(command.turn)


@given(STEPS)
def test_nobody_is_left_in_silence_for_ever(steps: list[tuple[Event | float, float]]) -> None:
    table = play(steps)
    if table.state is not State.ENDED:
        assert set(table.timers) - {Timer.LONGEST_CALL}


@given(STEPS)
def test_left_alone_every_call_ends(steps: list[tuple[Event | float, float]]) -> None:
    table = play(steps)
    table.wait(4000)
    assert table.state is State.ENDED
    assert sum(isinstance(c, EndCall) for c in table.said) == 1
    assert isinstance(table.said[-1], EndCall)


@given(STEPS)
def test_silence_is_never_answered(steps: list[tuple[Event | float, float]]) -> None:
    for reply in play(steps).replies():
        assert reply.reason is not ReplyReason.RESPOND or reply.text


@given(STEPS)
def test_turn_numbers_only_grow(steps: list[tuple[Event | float, float]]) -> None:
    turns = [reply.turn for reply in play(steps).replies()]
    assert turns == sorted(set(turns))


def test_a_server_that_stops_says_goodbye_first() -> None:
    table = Table().greeted()
    table.caller_says("where is my order")
    table.tell(LeaveRequested(Disposition.SERVER_STOPPED))
    assert CancelReply(2) in table.said
    goodbye = table.replies()[-1]
    assert (goodbye.reason, goodbye.disposition) == (
        ReplyReason.FAREWELL,
        Disposition.SERVER_STOPPED,
    )
    table.tell(ReplyAudible(goodbye.turn))
    table.tell(ReplyFinished(goodbye.turn), after=2.0)
    assert table.said[-1] == EndCall(Disposition.SERVER_STOPPED)
