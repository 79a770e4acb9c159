"""Signatures and the address they are made for."""

import base64
import hashlib
import hmac
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import HTTPConnection

from voice_agent.core.errors import ConfigurationError
from voice_agent.telephony.twilio.settings import TwilioSettings
from voice_agent.telephony.twilio.signature import (
    is_signed,
    is_trusted,
    public_address,
    public_base,
    stream_address,
)
from voice_agent.telephony.twilio.twiml import connect_stream

TOKEN = "12345"
CALLED = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+14158675310"),
    ("Digits", "1234"),
    ("From", "+14158675310"),
    ("To", "+18005551212"),
]


def sign(url: str, fields: list[tuple[str, str]]) -> str:
    """Twilio's published recipe, written independently of the package that checks it."""
    data = url + "".join(name + value for name, value in sorted(set(fields)))
    return base64.b64encode(hmac.digest(TOKEN.encode(), data.encode(), hashlib.sha1)).decode()


def request(
    path: str = "/twilio-webhook",
    *,
    query: str = "",
    scheme: str = "http",
    peer: str = "10.0.0.9",
    **headers: str,
) -> HTTPConnection:
    names = {"host": "agent.internal:8000", **headers}
    raw = [(k.replace("_", "-").encode(), v.encode()) for k, v in names.items()]
    scope = {
        "type": "http",
        "method": "POST",
        "scheme": scheme,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": raw,
        "client": (peer, 4711),
        "server": ("127.0.0.1", 8000),
    }
    return HTTPConnection(scope)


def test_the_vector_that_twilio_published_is_accepted() -> None:
    url = "https://example.com/myapp.php?foo=1&bar=2"
    assert is_signed(TOKEN, url, CALLED, "L/OH5YylLD5NRKLltdqwSvS0BnU=")
    assert not is_signed(TOKEN, url, [*CALLED, ("X", "1")], "L/OH5YylLD5NRKLltdqwSvS0BnU=")
    assert not is_signed("54321", url, CALLED, "L/OH5YylLD5NRKLltdqwSvS0BnU=")


def test_blank_and_repeated_fields_are_part_of_the_signature() -> None:
    fields = [("E", "b"), ("E", "a"), ("E", "a"), ("X", "")]
    url = "https://example.com/myapp"
    assert is_signed(TOKEN, url, fields, sign(url, fields))
    assert not is_signed(TOKEN, url, [], sign(url, fields))


def test_nothing_is_signed_without_a_token_or_a_signature() -> None:
    url = "https://example.com/"
    assert not is_signed("", url, [], sign(url, []))
    assert not is_signed(TOKEN, url, [], "")


@given(
    st.text(),
    st.lists(st.tuples(st.text(), st.text()), max_size=4) | st.text(),
    st.text(),
)
def test_any_request_is_judged_without_an_exception(
    url: str, body: list[tuple[str, str]] | str, signature: str
) -> None:
    assert not is_signed(TOKEN, url, body, signature)


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5), st.integers(0, 10))
def test_what_was_signed_is_accepted_and_what_was_changed_is_not(
    fields: list[tuple[str, str]], place: int
) -> None:
    url = "https://voice.example.com/twilio-webhook"
    by_name = dict(fields)
    pairs = list(by_name.items())
    signature = sign(url, pairs)
    assert is_signed(TOKEN, url, pairs, signature)
    changed = "".join("AB"[c == "A"] if i == place else c for i, c in enumerate(signature))
    assert not is_signed(TOKEN, url, pairs, changed)


def test_the_configured_public_address_wins() -> None:
    asked = request(query="a=1&b=%20", host="evil.example")
    url = public_address(asked, "https://voice.example.com/", ())
    assert url == "https://voice.example.com/twilio-webhook?a=1&b=%20"


def test_a_proxys_headers_count_only_from_the_list() -> None:
    headers = {"x_forwarded_proto": "https", "x_forwarded_host": "voice.example.com"}
    proxied = request(**headers)
    assert public_base(proxied, "", ()) == "http://agent.internal:8000"
    assert public_base(proxied, "", ("10.0.0.0/8",)) == "https://voice.example.com"
    assert public_base(proxied, "", ("10.0.0.8", "::1")) == "http://agent.internal:8000"


def test_the_nearest_proxys_word_is_taken() -> None:
    proxied = request(x_forwarded_proto="http, https")
    assert public_base(proxied, "", ("10.0.0.9",)) == "https://agent.internal:8000"


def test_escapes_in_the_path_are_kept_as_signed() -> None:
    asked = request("/twilio%2Dwebhook")
    assert public_address(asked, "", ()) == "http://agent.internal:8000/twilio%2Dwebhook"


@pytest.mark.parametrize("peer", ["", "unix:", "testclient", "300.1.1.1"])
def test_a_peer_without_an_address_is_never_trusted(peer: str) -> None:
    assert not is_trusted(peer, ("0.0.0.0/0", "::/0"))


def test_an_ipv4_peer_on_an_ipv6_socket_is_known_again() -> None:
    assert is_trusted("::ffff:10.1.2.3", ("10.0.0.0/8",))


@pytest.mark.parametrize(
    ("base", "configured", "expected"),
    [
        ("https://voice.example.com", False, "wss://voice.example.com/twilio-stream"),
        ("https://example.com/voice", True, "wss://example.com/voice/twilio-stream"),
        ("http://127.0.0.1:8000", False, "ws://127.0.0.1:8000/twilio-stream"),
        ("http://localhost:8000", False, "ws://localhost:8000/twilio-stream"),
        ("http://[::1]:8000", False, "ws://[::1]:8000/twilio-stream"),
        ("http://192.0.2.7:8000", False, "wss://192.0.2.7:8000/twilio-stream"),
        ("http://agent:8000", True, "ws://agent:8000/twilio-stream"),
    ],
)
def test_sound_crosses_a_network_only_encrypted(base: str, configured: bool, expected: str) -> None:
    assert stream_address(base, "/twilio-stream", configured=configured) == expected


def test_the_token_travels_as_a_parameter_and_not_in_the_address() -> None:
    assert connect_stream("wss://h/twilio-stream", "t&<1") == (
        '<?xml version="1.0" encoding="UTF-8"?><Response><Connect>'
        '<Stream url="wss://h/twilio-stream"><Parameter name="token" value="t&amp;&lt;1" />'
        "</Stream></Connect></Response>"
    )


def test_a_wrong_address_in_the_settings_is_told_at_the_start() -> None:
    with pytest.raises(ConfigurationError, match="trusted proxy"):
        TwilioSettings("token", trusted_proxies=("10.0.0.0/99",))
    with pytest.raises(ConfigurationError, match="https"):
        TwilioSettings("token", public_url="voice.example.com")


def test_the_auth_token_is_not_shown() -> None:
    assert "hush" not in repr(TwilioSettings("hush"))


def test_checking_signatures_loads_no_http_client() -> None:
    code = (
        "import sys, voice_agent.telephony.twilio.routes;"
        "sys.exit(any(m in sys.modules for m in ('aiohttp', 'requests', 'twilio.rest')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
