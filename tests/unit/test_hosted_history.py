"""The history as all providers accept it."""

import re
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings

from support.answer_reading import REQUESTS
from voice_agent.core.chat import ChatRequest, Message, Role, ToolCall
from voice_agent.engines.llm.hosted_history import (
    OPENING,
    SILENCE,
    UNANSWERED,
    AgentTurn,
    HistoryTurn,
    UserTurn,
    history_turns,
    system_text,
)

CALL = ToolCall("call-1", "check_order_status", {"order_id": "1042"})


def user(text: str) -> Message:
    return Message(Role.USER, text)


def agent(text: str, *calls: ToolCall) -> Message:
    return Message(Role.ASSISTANT, text, tool_calls=calls)


def result(text: str, call_id: str = "call-1") -> Message:
    return Message(Role.TOOL, text, call_id=call_id)


def turns(*messages: Message) -> list[HistoryTurn]:
    return history_turns(messages)


def exchanges(*messages: Message) -> list[tuple[str, str, str]]:
    return [
        (one.call.id, one.call.name, one.result)
        for turn in turns(*messages)
        if isinstance(turn, AgentTurn)
        for one in turn.exchanges
    ]


@settings(max_examples=60, deadline=None)
@given(request=REQUESTS)
def test_any_history_takes_turns_and_ends_with_the_caller_or_results(request: ChatRequest) -> None:
    made = history_turns(request.messages)
    assert isinstance(made[0], UserTurn)
    last = made[-1]
    assert isinstance(last, UserTurn) or last.exchanges
    for before, after in pairwise(made):
        assert not (isinstance(before, UserTurn) and isinstance(after, UserTurn))
        if isinstance(before, AgentTurn) and isinstance(after, AgentTurn):
            assert before.exchanges
    for turn in made:
        assert turn.text.strip() or (isinstance(turn, AgentTurn) and turn.exchanges)
        turn.text.encode()


@settings(max_examples=60, deadline=None)
@given(request=REQUESTS)
def test_ids_are_distinct_and_of_the_common_letters(request: ChatRequest) -> None:
    made = exchanges(*request.messages)
    assert len({identifier for identifier, _, _ in made}) == len(made)
    for identifier, name, _ in made:
        assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", identifier)
        assert re.fullmatch(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", name)


@settings(max_examples=60, deadline=None)
@given(request=REQUESTS)
def test_a_longer_history_begins_with_the_turns_of_the_shorter(request: ChatRequest) -> None:
    messages = [m for m in request.messages if m.role is Role.USER or m.role is Role.ASSISTANT]
    whole = [*messages, user("and then"), agent("Then this."), user("fine")]
    shorter = history_turns(whole[:-2])
    assert history_turns(whole)[: len(shorter)] == shorter


def test_same_side_texts_are_merged() -> None:
    assert turns(user("hello"), user("anybody there"), agent("Yes."), agent("I am.")) == [
        UserTurn("hello\nanybody there"),
        AgentTurn("Yes. I am."),
        UserTurn(SILENCE),
    ]


def test_a_text_cut_off_before_a_call_joins_the_call() -> None:
    [_, turn] = turns(user("hello"), agent("We are open Monday to"), agent("", CALL), result("{}"))
    assert isinstance(turn, AgentTurn)
    assert (turn.text, len(turn.exchanges)) == ("We are open Monday to", 1)


def test_words_between_a_call_and_its_result_come_after_the_result() -> None:
    made = turns(user("where"), agent("", CALL), user("hello?"), result('{"a": 1}'))
    assert exchanges(user("where"), agent("", CALL), user("hello?"), result('{"a": 1}')) == [
        ("call-1", "check_order_status", '{"a": 1}')
    ]
    assert made[-1] == UserTurn("hello?")


def test_a_call_without_a_result_gets_one() -> None:
    assert exchanges(user("where"), agent("", CALL), user("hello?")) == [
        ("call-1", "check_order_status", UNANSWERED)
    ]


def test_a_result_without_a_call_is_left_out() -> None:
    assert turns(user("hello"), result("{}", "nobody"), user("there")) == [UserTurn("hello\nthere")]


def test_a_repeated_id_is_paired_in_order() -> None:
    history = (agent("", CALL), result("1"), user("again"), agent("", CALL), result("2"))
    assert [one[2] for one in exchanges(*history)] == ["1", "2"]
    assert len({one[0] for one in exchanges(*history)}) == 2


@pytest.mark.parametrize("history", [(), (user(""),), (user(" \n\t "),), (agent(""),)])
def test_nothing_said_is_the_opening(history: tuple[Message, ...]) -> None:
    assert turns(*history) == [UserTurn(OPENING)]


def test_a_greeting_first_gets_an_opening_before_it() -> None:
    assert turns(agent("Hello!"), user("hi")) == [
        UserTurn(OPENING),
        AgentTurn("Hello!"),
        UserTurn("hi"),
    ]


def test_an_interrupted_reply_stays_as_heard() -> None:
    cut = replace(agent("We are open Monday to"), interrupted=True)
    assert turns(user("hours"), cut, user("and sunday"))[1] == AgentTurn("We are open Monday to")


def test_system_messages_join_the_instructions() -> None:
    request = ChatRequest((Message(Role.SYSTEM, "Be brief."), user("hi")), system="You are Ann.")
    assert system_text(request) == "You are Ann.\n\nBe brief."
    assert history_turns(request.messages) == [UserTurn("hi")]
