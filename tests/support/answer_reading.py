"""A provider's stream read without a socket."""

from collections.abc import Iterable, Sequence

import orjson
from hypothesis import strategies as st

from support.dialogue import NINE_TOOLS
from voice_agent.core.chat import (
    ChatEvent,
    ChatRequest,
    Finished,
    Message,
    Role,
    TextDelta,
    ToolCall,
    ToolChoice,
)
from voice_agent.core.errors import ProviderError
from voice_agent.core.usage import Usage
from voice_agent.engines.llm.event_stream import EventStreamDecoder
from voice_agent.engines.llm.hosted_answer import HostedWire

HELLO = ChatRequest((Message(Role.USER, "hello"),), NINE_TOOLS, system="Be brief.")
PROMPT = 400


def sse(*payloads: object, ending: bytes = b"") -> bytes:
    """Payloads as data lines."""
    return b"".join(b"data: " + orjson.dumps(one) + b"\n\n" for one in payloads) + ending


def read(wire: HostedWire, raw: bytes, request: ChatRequest = HELLO) -> list[ChatEvent]:
    """All chat events of a stream that ends after `raw`."""
    decoder, reader = EventStreamDecoder(wire.provider), wire.reader(request, PROMPT)
    events = [piece for event in decoder.feed(raw) for piece in reader.take(event)]
    events += [piece for event in decoder.flush() for piece in reader.take(event)]
    return events + reader.end()


def outcome(wire: HostedWire, chunks: Iterable[bytes], request: ChatRequest = HELLO) -> object:
    """The events, texts joined, or the kind of the error; nothing else may happen."""
    decoder, reader = EventStreamDecoder(wire.provider), wire.reader(request, PROMPT)
    events: list[ChatEvent] = []
    try:
        for chunk in chunks:
            events += [piece for event in decoder.feed(chunk) for piece in reader.take(event)]
        events += [piece for event in decoder.flush() for piece in reader.take(event)]
        events += reader.end()
    except ProviderError as error:
        return type(error), said(events)
    return said(events), calls(events), usage(events), finish(events)


def said(events: Sequence[ChatEvent]) -> str:
    """The text."""
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def calls(events: Sequence[ChatEvent]) -> list[ToolCall]:
    """The tool calls."""
    return [event for event in events if isinstance(event, ToolCall)]


def usage(events: Sequence[ChatEvent]) -> Usage:
    """The one report of usage."""
    [report] = [event for event in events if isinstance(event, Usage)]
    return report


def finish(events: Sequence[ChatEvent]) -> Finished:
    """The end, which is last and alone."""
    [ending] = [event for event in events if isinstance(event, Finished)]
    assert events[-1] is ending
    return ending


TEXTS = st.sampled_from(["", " ", "hello", "where is it", "🙂", "\ud800 half"]) | st.text(
    max_size=8
)
IDS = st.sampled_from(["call-1", "call_1", "b", "", "a b", "ünï", "x" * 80])
NAMES = st.sampled_from(["check_order_status", "end_call", "", "9 lives", "a.b"])
MARKS = st.sampled_from(
    [
        "",
        "gemini/gemini-3.8-flash:c2ltdWxhdGVkOmdlbWluaS0zLjgtZmxhc2g6MQ==",
        "gemini/other:xyz",
        'anthropic/claude-haiku-5-5:{"said":"hello","thoughts":[]}',
        "anthropic/claude-haiku-5-5:nonsense",
    ]
)
ARGUMENTS = st.dictionaries(
    st.text(max_size=3), st.none() | st.integers(0, 9) | st.text(max_size=3)
)
TOOL_CALLS = st.builds(ToolCall, IDS, NAMES, ARGUMENTS, MARKS)
MESSAGES = st.one_of(
    st.builds(Message, st.just(Role.USER), TEXTS),
    st.builds(Message, st.just(Role.SYSTEM), TEXTS),
    st.builds(Message, st.just(Role.ASSISTANT), TEXTS, st.lists(TOOL_CALLS, max_size=3).map(tuple)),
    st.builds(
        Message,
        st.just(Role.TOOL),
        TEXTS | st.sampled_from(['{"a": 1}', '{"error": "x"}', "[1]"]),
        call_id=IDS,
    ),
)
REQUESTS = st.builds(
    ChatRequest,
    st.lists(MESSAGES, max_size=12).map(tuple),
    st.sampled_from([(), NINE_TOOLS]),
    st.sampled_from(ToolChoice),
    TEXTS,
)
"""Any history that the product, or a mistake of it, could make."""
