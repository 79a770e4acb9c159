"""Each hosted language model against the simulated provider: good days and bad ones.

What a simulator cannot be ordered to do, a scripted server of raw bytes does.
"""

import contextlib
import itertools
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
import structlog
from anyio.abc import SocketStream

from conformance.test_language_model import HISTORIES, assert_sound
from support.answer_reading import calls, finish, said, usage
from support.dialogue import NINE_TOOLS
from support.simulated_providers import desk, serving
from voice_agent.core.chat import (
    ChatEvent,
    ChatRequest,
    Finished,
    FinishReason,
    Message,
    Role,
    TextDelta,
    ToolCall,
    ToolChoice,
)
from voice_agent.core.errors import (
    ProviderError,
    ProviderGarbage,
    ProviderMisconfigured,
    ProviderThrottled,
    ProviderUnavailable,
)
from voice_agent.core.ports import Probeable, Warmable
from voice_agent.engines.hosted import KEEP_ALIVE
from voice_agent.engines.llm import anthropic, gemini, openai
from voice_agent.engines.llm.hosted_model import HostedModel
from voice_agent.engines.llm.scripted import ScriptedModel, Step, says
from voice_agent.engines.registry import Provider, read_options
from voice_agent.simulation.providers.desk import VALID_KEY, Desk
from voice_agent.simulation.providers.faults import Fault, FaultKind
from voice_agent.simulation.providers.server import simulators

pytestmark = pytest.mark.anyio

PROVIDERS = (openai.PROVIDER, anthropic.PROVIDER, gemini.PROVIDER)
HELLO = ChatRequest((Message(Role.USER, "hello there"),), NINE_TOOLS, system="You are brief.")
LOOK_UP = ToolCall("call-1", "check_order_status", {"order_id": "1042", "note": 'ü " \\ 🙂'})
CALLING: list[Step] = [
    TextDelta("One moment."),
    LOOK_UP,
    ToolCall("call-2", "end_call", {}),
    Finished(FinishReason.TOOL_CALLS),
]


@pytest.fixture(params=PROVIDERS, ids=lambda provider: provider.name)
def provider(request: pytest.FixtureRequest) -> Provider:
    chosen: Provider = request.param
    return chosen


def build(provider: Provider, base_url: str, **options: Any) -> HostedModel:
    values = {"base_url": base_url, "api_key": VALID_KEY, **options}
    model: HostedModel = provider.build(read_options(provider, values))
    return model


@contextlib.asynccontextmanager
async def simulated(provider: Provider, behind: Desk, **options: Any) -> AsyncIterator[HostedModel]:
    """The provider's engine, pointed to its simulator."""
    async with (
        serving(behind) as base,
        build(provider, address(provider, base), **options) as model,
    ):
        yield model


def address(provider: Provider, base: str) -> str:
    """Where the provider's simulator is."""
    pattern = simulators()[provider.name].variables[f"llm.{provider.name}.base_url"]
    return pattern.format(base=f"{base}/{provider.name}")


async def ask(model: HostedModel, request: ChatRequest = HELLO) -> list[ChatEvent]:
    return [event async for event in model.stream(request)]


async def until(reached: Callable[[], bool]) -> None:
    while not reached():  # noqa: ASYNC110
        await anyio.sleep(0.01)


# Good days.


async def test_text_comes_as_it_is_said_then_usage_then_the_end(provider: Provider) -> None:
    behind = desk(ScriptedModel(says("Grüße ", "an alle 🙂", " \u2028 und Tschüß.")))
    async with simulated(provider, behind) as model:
        events = await ask(model)
    assert said(events) == "Grüße an alle 🙂 \u2028 und Tschüß."
    assert len([event for event in events if isinstance(event, TextDelta)]) >= 3
    assert not usage(events).estimated
    assert usage(events).provider == provider.name
    assert min(usage(events).amounts.values()) >= 0
    assert finish(events).reason is FinishReason.STOP


async def test_tool_calls_come_whole(provider: Provider) -> None:
    async with simulated(provider, desk(ScriptedModel(CALLING))) as model:
        events = await ask(model)
    assert said(events) == "One moment."
    assert [(call.name, call.arguments) for call in calls(events)] == [
        ("check_order_status", LOOK_UP.arguments),
        ("end_call", {}),
    ]
    assert finish(events).reason is FinishReason.TOOL_CALLS


async def test_results_go_back_with_whatever_mark_the_call_had(provider: Provider) -> None:
    behind = desk(ScriptedModel(CALLING, says("It was shipped.")))
    async with simulated(provider, behind) as model:
        made = tuple(calls(await ask(model)))
        results = tuple(Message(Role.TOOL, '{"ok": true}', call_id=call.id) for call in made)
        round_trip = Message(Role.ASSISTANT, "One moment.", made)
        request = ChatRequest((*HELLO.messages, round_trip, *results), NINE_TOOLS)
        assert said(await ask(model, request)) == "It was shipped."


async def test_a_call_of_one_provider_can_be_continued_by_any_other() -> None:
    scripts: list[list[Step]] = [CALLING, says("Shipped.")] * 6
    async with serving(desk(ScriptedModel(*scripts))) as base, contextlib.AsyncExitStack() as stack:
        models = [
            await stack.enter_async_context(build(one, address(one, base))) for one in PROVIDERS
        ]
        for first, second in itertools.permutations(models, 2):
            made = tuple(calls(await ask(first)))
            history = (*HELLO.messages, Message(Role.ASSISTANT, "One", made))
            assert said(await ask(second, ChatRequest(history, NINE_TOOLS))) == "Shipped."


async def test_every_history_of_the_product_is_accepted(provider: Provider) -> None:
    ways = itertools.cycle(itertools.product((NINE_TOOLS, ()), ToolChoice))
    async with simulated(provider, desk(ScriptedModel(says("Yes.")))) as model:
        for messages, (tools, choice) in zip(HISTORIES.values(), ways, strict=False):
            request = ChatRequest(tuple(messages), tools, choice, "You are brief.")
            assert_sound(await ask(model, request), request)


async def test_a_model_without_choice_calls_nothing(provider: Provider) -> None:
    async with simulated(provider, desk(ScriptedModel(CALLING))) as model:
        events = await ask(model, ChatRequest(HELLO.messages, NINE_TOOLS, ToolChoice.NONE))
    assert not calls(events)
    assert finish(events).reason is FinishReason.STOP


async def test_how_the_answer_ended_is_told(provider: Provider) -> None:
    reasons = (FinishReason.LENGTH, FinishReason.REFUSED)
    scripts: list[list[Step]] = [[TextDelta("I"), Finished(reason)] for reason in reasons]
    behind = desk(ScriptedModel(*scripts))
    async with simulated(provider, behind) as model:
        assert [finish(await ask(model)).reason for _ in reasons] == list(reasons)


async def test_two_answers_at_once_do_not_disturb_each_other(provider: Provider) -> None:
    behind = desk(ScriptedModel(says("one ", "two "), says("three ", "four ")))
    async with simulated(provider, behind) as model:
        first, second = model.stream(HELLO), model.stream(HELLO)
        assert await anext(first) == TextDelta("one ")
        assert await anext(second) == TextDelta("three ")
        rest = [event async for event in first], [event async for event in second]
    assert [said(events) for events in rest] == ["two ", "four "]


async def test_the_first_token_is_logged_without_its_text(provider: Provider) -> None:
    async with simulated(provider, desk(ScriptedModel(says("secret words")))) as model:
        with structlog.testing.capture_logs() as logs:
            await ask(model)
    [entry] = [entry for entry in logs if entry["event"] == "llm.first_token"]
    assert entry["provider"] == provider.name
    assert entry["model"]
    assert 0 <= entry["ms"] < 2500
    assert "secret" not in str(logs)
    assert "hello there" not in str(logs)


# Connections.


def connections(model: HostedModel) -> Sequence[Any]:
    transport: Any = model._client._transport
    found: Sequence[Any] = transport._pool.connections
    return found


async def test_a_connection_is_kept_between_turns_for_minutes(provider: Provider) -> None:
    async with simulated(provider, desk()) as model:
        await model.warm()
        [opened] = connections(model)
        for _ in range(3):
            await ask(model)
            assert connections(model) == [opened]
        pool = model._client._transport._pool  # type: ignore[attr-defined]
        assert pool._keepalive_expiry == KEEP_ALIVE >= 60
        assert pool._max_keepalive_connections >= 10


async def test_closing_the_stream_cancels_the_request(provider: Provider) -> None:
    slow = ScriptedModel([TextDelta("One "), TextDelta("two "), 30.0, Finished(FinishReason.STOP)])
    async with simulated(provider, desk(slow)) as model:
        for taken in range(3):
            stream = model.stream(HELLO)
            for _ in range(taken):
                await anext(stream)
            await stream.aclose()
            await stream.aclose()
            assert not connections(model)
            with anyio.fail_after(5):
                await until(lambda: slow.closed == len(slow.requests))
        assert len(slow.requests) == 2


async def test_cancelling_the_listener_cancels_the_request(provider: Provider) -> None:
    slow = ScriptedModel([TextDelta("One "), 30.0, Finished(FinishReason.STOP)])
    async with simulated(provider, desk(slow), token_gap=20.0) as model:
        with anyio.move_on_after(0.2) as scope:
            await ask(model)
        assert scope.cancelled_caught
        assert not connections(model)


# Bad days.

WORST = {
    FaultKind.REFUSE: ProviderUnavailable,
    FaultKind.UNAUTHORIZED: ProviderMisconfigured,
    FaultKind.THROTTLE: ProviderThrottled,
    FaultKind.ERROR: ProviderUnavailable,
    FaultKind.RESET: ProviderUnavailable,
    FaultKind.CUT: ProviderUnavailable,
    FaultKind.GARBAGE: ProviderGarbage,
}


async def test_a_fault_before_the_first_word_is_an_error_of_ours(provider: Provider) -> None:
    behind = desk()
    async with simulated(provider, behind) as model:
        for kind, expected in WORST.items():
            fault = Fault(provider=provider.name, kind=kind, retry_after=2.5)
            error = await fails(model, behind, fault)
            assert type(error) is expected, kind
            assert error.provider == provider.name
            assert VALID_KEY not in str(error)
            assert "hello there" not in str(error)
            if isinstance(error, ProviderThrottled):
                assert error.retry_after == 2.5
    assert len(behind.journal) == len(WORST), "nothing is asked twice"


async def test_a_provider_that_stalls_is_unavailable(provider: Provider) -> None:
    behind = desk(ScriptedModel(says("Hello ", "from ", "the ", "other ", "side.")))
    patience = {"first_token_within": 1.0, "token_gap": 0.3}
    async with simulated(provider, behind, **patience) as model:
        for after in (0, 4):
            fault = Fault(provider=provider.name, kind=FaultKind.STALL, after=after)
            assert type(await fails(model, behind, fault)) is ProviderUnavailable


IN_THE_MIDDLE = (FaultKind.ERROR, FaultKind.RESET, FaultKind.CUT, FaultKind.GARBAGE)


async def test_a_fault_in_the_middle_comes_after_the_words(provider: Provider) -> None:
    behind = desk(ScriptedModel(says("Hello ", "from ", "the ", "other ", "side.")))
    async with simulated(provider, behind) as model:
        for kind in IN_THE_MIDDLE:
            heard: list[ChatEvent] = []
            fault = Fault(provider=provider.name, kind=kind, after=4)
            error = await fails(model, behind, fault, heard)
            assert said(heard).startswith("Hello "), kind
            assert not any(isinstance(event, Finished) for event in heard)
            assert type(error) is WORST[kind], kind
            if kind is FaultKind.CUT:
                assert "ended in the middle" in str(error)


async def fails(
    model: HostedModel, behind: Desk, fault: Fault, heard: list[ChatEvent] | None = None
) -> ProviderError:
    """The error that a fault becomes."""
    behind.faults.clear()
    behind.faults.order(fault)
    try:
        async for event in model.stream(HELLO):
            if heard is not None:
                heard.append(event)
    except ProviderError as error:
        return error
    pytest.fail(f"{fault.kind} went unnoticed")


async def test_after_a_fault_the_next_turn_works(provider: Provider) -> None:
    behind = desk()
    async with simulated(provider, behind) as model:
        for kind in (FaultKind.RESET, FaultKind.CUT, FaultKind.GARBAGE, FaultKind.REFUSE):
            behind.faults.order(Fault(provider=provider.name, kind=kind, after=2))
            with pytest.raises(ProviderError):
                await ask(model)
            behind.faults.clear()
            assert said(await ask(model)) == "Hello from the other side."


# Before the first call.


async def test_the_probe_tells_a_wrong_key_and_an_unknown_model(provider: Provider) -> None:
    default = provider.options.model_fields["model"].default
    async with serving(desk()) as base:
        place = address(provider, base)
        async with build(provider, place) as model:
            assert isinstance(model, Probeable)
            assert isinstance(model, Warmable)
            await model.probe()
        async with build(provider, place, api_key="a-wrong-key") as model:
            await model.warm()
            for attempt in (model.probe, lambda: ask(model)):
                with pytest.raises(ProviderMisconfigured) as caught:
                    await attempt()
                assert provider.key_variable in str(caught.value)
                assert "a-wrong-key" not in str(caught.value)
                assert "\n" not in str(caught.value)
        async with build(provider, place, model="no-such-model") as model:
            with pytest.raises(ProviderMisconfigured, match=re.escape(default)):
                await model.probe()
            with pytest.raises(ProviderMisconfigured):
                await ask(model)


async def test_without_a_key_the_check_says_what_to_do(provider: Provider) -> None:
    assert provider.key_variable in provider.check(read_options(provider, {}))
    assert not provider.check(read_options(provider, {"api_key": "some"}))


async def test_a_server_of_ones_own_needs_no_key() -> None:
    options = read_options(openai.PROVIDER, {"base_url": "http://localhost:1/v1", "model": "x"})
    assert not openai.PROVIDER.check(options)


async def test_nobody_there_is_unavailable_and_warming_says_nothing(provider: Provider) -> None:
    async with build(provider, "http://127.0.0.1:9/v1") as model:
        await model.warm()
        for attempt in (model.probe, lambda: ask(model)):
            with pytest.raises(ProviderUnavailable, match="no connection"):
                await attempt()


# A server of raw bytes.

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def piece(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@dataclass
class RawServer:
    """Answers every request with the same steps: bytes to send, or seconds to wait."""

    steps: Sequence[bytes | float]
    repeated: Sequence[bytes | float] = ()
    requests: int = 0
    open: int = 0
    bodies: list[bytes] = field(default_factory=list)

    async def serve(self, stream: SocketStream) -> None:
        self.open += 1
        with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            async with stream:
                try:
                    self.bodies.append(await stream.receive())
                    self.requests += 1
                    for step in itertools.chain(self.steps, itertools.cycle(self.repeated)):
                        if isinstance(step, bytes):
                            await stream.send(step)
                        else:
                            await anyio.sleep(step)
                finally:
                    self.open -= 1


@contextlib.asynccontextmanager
async def raw(server: RawServer, **options: Any) -> AsyncIterator[HostedModel]:
    async with listening(server.serve, **options) as model:
        yield model


@contextlib.asynccontextmanager
async def listening(
    serve: Callable[[SocketStream], Awaitable[None]], **options: Any
) -> AsyncIterator[HostedModel]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=port)
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, serve)
        place = f"http://127.0.0.1:{port}/v1"
        async with build(openai.PROVIDER, place, model="local", **options) as model:
            yield model
        group.cancel_scope.cancel()


WORD = piece(b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n')
ENDING = piece(b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n')
PING = piece(b": ping\n\n") + piece(b'data: {"choices":[]}\n\n')
BEGIN_CALL = piece(
    b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]}}]}'
    b"\n\n"
)


@pytest.mark.parametrize(
    ("sent", "options", "message"),
    [
        ((HEAD,), {"first_token_within": 0.25}, "no first token within 0.25 s"),
        ((HEAD, WORD), {"token_gap": 0.25}, "no further token within 0.25 s"),
        ((HEAD, BEGIN_CALL), {"tool_token_gap": 0.25}, "no further token within 0.25 s"),
        ((HEAD, WORD), {"answer_within": 0.25}, "no whole answer within 0.25 s"),
    ],
)
async def test_pings_and_comments_do_not_put_a_deadline_off(
    sent: Sequence[bytes], options: dict[str, float], message: str
) -> None:
    server = RawServer(sent, repeated=(PING, 0.02))
    async with raw(server, **options) as model:
        with anyio.fail_after(5), pytest.raises(ProviderUnavailable, match=message):
            await ask(model)


async def test_inside_tool_arguments_the_gap_may_be_longer() -> None:
    rest = piece(
        b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}}]}'
        b"\n\n"
    )
    server = RawServer((HEAD, BEGIN_CALL, 0.25, rest, ENDING, piece(b"")))
    async with raw(server, token_gap=0.1) as model:
        assert len(calls(await ask(model))) == 1


async def test_no_response_is_told_by_its_own_deadline() -> None:
    async with raw(RawServer((30.0,)), headers_within=0.2) as model:
        with pytest.raises(ProviderUnavailable, match=r"no response within 0\.2 s"):
            await ask(model)
        assert not connections(model)


async def test_cancelling_before_the_response_releases_the_connection() -> None:
    server = RawServer((30.0,))
    async with raw(server) as model:
        with anyio.move_on_after(0.1) as scope:
            await ask(model)
        assert scope.cancelled_caught
        assert not connections(model)


async def test_an_answer_goes_on_after_a_finish_reason_that_came_too_early() -> None:
    async with raw(RawServer((HEAD, WORD, ENDING, 0.02, WORD, ENDING, piece(b"")))) as model:
        assert said(await ask(model)) == "HiHi"


async def test_a_listener_who_is_slow_fails_nobody() -> None:
    server = RawServer((HEAD, WORD, WORD, 0.02, WORD, ENDING, piece(b"")))
    async with raw(server, token_gap=0.15, first_token_within=2, answer_within=2) as model:
        heard = []
        async for event in model.stream(HELLO):
            heard.append(event)
            await anyio.sleep(0.2)
    assert said(heard) == "HiHiHi"


async def test_an_answer_is_whole_although_the_server_never_hangs_up() -> None:
    server = RawServer((HEAD, WORD, ENDING), repeated=(PING, 0.05))
    async with raw(server) as model:
        events = await ask(model)
    assert said(events) == "Hi"
    assert usage(events).estimated


async def test_a_reset_after_the_end_of_the_answer_does_no_harm() -> None:
    async with raw(RawServer((HEAD, WORD, ENDING))) as model:
        assert said(await ask(model)) == "Hi"


@pytest.mark.parametrize(
    "answer",
    [
        b"\x00\xff\x00\xff" * 100,
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n<html",
        b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n<html",
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nlocation: http://elsewhere\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 500 Oh\r\ncontent-length: 10\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        HEAD + piece(b"data: " + b"x" * 1_500_000),
        HEAD + piece(b"data: \xff\xfe\n\n"),
    ],
)
async def test_whatever_a_server_answers_the_error_is_ours(answer: bytes) -> None:
    async with raw(RawServer((answer,))) as model:
        with anyio.fail_after(5), pytest.raises(ProviderError):
            await ask(model)


async def test_an_error_that_repeats_the_callers_words_or_the_key_is_told_without_them() -> None:
    body = b'{"error":{"message":"bad value hello there for key %s"}}' % VALID_KEY.encode()
    answer = b"HTTP/1.1 400 Bad\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
    streamed = HEAD + piece(b"data: " + body + b"\n\n")
    for sent in (answer, streamed):
        async with raw(RawServer((sent,))) as model:
            with pytest.raises(ProviderError, match="bad value … for key …"):
                await ask(model)


async def test_a_server_that_lists_models_only_is_probed_by_its_list() -> None:
    seen: list[str] = []

    def answered(path: str) -> bytes:
        body = b'{"data":[{"id":"local:latest"}]}' if path == "/v1/models" else b"{}"
        status = b"200 OK" if path == "/v1/models" else b"404 Not Found"
        return b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status, len(body), body)

    async with paths(answered, seen) as model:
        await model.probe()
    assert seen == ["/v1/models/local", "/v1/models"]


@contextlib.asynccontextmanager
async def paths(answered: Callable[[str], bytes], seen: list[str]) -> AsyncIterator[HostedModel]:
    async def serve(stream: SocketStream) -> None:
        with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            async with stream:
                while True:
                    path = (await stream.receive()).split()[1].decode()
                    seen.append(path)
                    await stream.send(answered(path))

    async with listening(serve) as model:
        yield model
