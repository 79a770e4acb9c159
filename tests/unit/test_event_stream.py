"""Server-sent events: chopped anywhere, ended anyhow, bounded."""

import contextlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voice_agent.core.errors import ProviderGarbage
from voice_agent.engines.llm.event_stream import EventStreamDecoder, ServerEvent

PIECES = st.sampled_from(
    [
        *(b"data: ", b"data:", b"event: ", b": ping", b"\r", b"\n", b"\r\n", b"\n\n", b"x"),
        *("ü🙂".encode(), "\u2028".encode(), b"\xff", b"\xef\xbb\xbf", b"{", b"retry: 5"),
    ]
)
STREAMS = st.lists(PIECES, max_size=30).map(b"".join)


def decode(*chunks: bytes, largest: int = 1000) -> list[ServerEvent]:
    decoder = EventStreamDecoder("someone", largest=largest)
    return [event for chunk in chunks for event in decoder.feed(chunk)] + decoder.flush()


def data(*chunks: bytes) -> list[str]:
    return [event.data for event in decode(*chunks)]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_lines_end_with_cr_lf_or_both(end: bytes) -> None:
    raw = end.join([b"event: a", b"data: 1", b"", b"data: 2", b"", b""])
    assert decode(raw) == [ServerEvent("a", "1"), ServerEvent("", "2")]


@settings(deadline=None)
@given(raw=STREAMS, cuts=st.lists(st.integers(0, 200), max_size=8))
def test_chopping_at_any_byte_changes_nothing(raw: bytes, cuts: list[int]) -> None:
    places = sorted({0, len(raw), *(cut for cut in cuts if cut < len(raw))})
    assert decode(*(raw[a:b] for a, b in pairwise(places))) == decode(raw)
    assert decode(*(bytes([byte]) for byte in raw)) == decode(raw)


@settings(deadline=None)
@given(chunks=st.lists(st.binary(max_size=50), max_size=10))
def test_any_bytes_make_events_or_garbage(chunks: list[bytes]) -> None:
    with contextlib.suppress(ProviderGarbage):
        decode(*chunks, largest=20)


def test_an_event_cut_inside_a_character_is_whole_again() -> None:
    assert data(b"data: \xf0\x9f", b"\x99\x82\n\n") == ["🙂"]


def test_an_event_cut_inside_crlf_is_one_event() -> None:
    assert data(b"data: 1\r", b"\n\r", b"\ndata: 2\r\n\r\n") == ["1", "2"]


def test_data_without_a_space_is_data() -> None:
    assert data(b"data:1\n\ndata:  2\n\n") == ["1", " 2"]


def test_many_data_lines_are_one_text() -> None:
    assert data(b"data: 1\ndata: 2\ndata\n\n") == ["1\n2\n"]


def test_the_line_separator_u2028_is_not_a_line_end() -> None:
    raw = 'data: {"text":"a\u2028b\u2029c\x85d\x0be"}\n\n'.encode()
    assert data(raw) == ['{"text":"a\u2028b\u2029c\x85d\x0be"}']


def test_comments_ids_and_retries_make_no_event() -> None:
    assert decode(b": PROCESSING\n\n:\n\nid: 7\nretry: 10\n\n") == []


def test_a_byte_order_mark_at_the_start_is_passed_over() -> None:
    assert data(b"\xef\xbb", b"\xbfdata: 1\n\n") == ["1"]


def test_bytes_that_are_no_utf8_become_replacement_characters() -> None:
    assert data(b"data: \xff\xfe\n\n") == ["��"]


def test_an_event_without_its_blank_line_comes_at_the_end() -> None:
    assert data(b"data: [DONE]") == ["[DONE]"]


def test_a_bare_json_error_in_mid_stream_is_kept_as_stray() -> None:
    raw = b'data: 1\r\n\r\n{\r\n  "error": {\r\n    "code": 503\r\n  }\r\n}\r\n'
    [first, last] = decode(raw)
    assert first == ServerEvent("", "1")
    assert last.stray == '{\n  "error": {\n    "code": 503\n  }\n}'


@pytest.mark.parametrize("raw", [b"data: " + b"x" * 2000, b"data: x\n" * 400])
def test_an_event_without_end_is_garbage(raw: bytes) -> None:
    with pytest.raises(ProviderGarbage, match="more than 1000 bytes"):
        decode(raw)


def test_many_events_may_be_larger_than_one() -> None:
    assert len(data(b"data: xxxxxxxxxx\n\n" * 1000)) == 1000
