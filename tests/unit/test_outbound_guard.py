"""Where a URL that a user set may lead: to the public internet and to what was listed."""

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import anyio
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice_agent.compliance.outbound import (
    OutboundPolicy,
    decide_addresses,
    decide_target,
    decide_url,
    is_public,
)
from voice_agent.engines.guarded_http import LARGEST_ANSWER, OutboundRefused, guarded_client

NOTHING_LISTED = OutboundPolicy()

INSIDE_4 = [
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
]
INSIDE_6 = [
    IPv6Network(network)
    for network in ("::/96", "fc00::/7", "fe80::/10", "ff00::/8", "2002::/16", "2001::/32")
]

inside_4 = st.sampled_from(INSIDE_4).flatmap(lambda network: st.ip_addresses(network=network))
inside_6 = st.sampled_from(INSIDE_6).flatmap(lambda network: st.ip_addresses(network=network))
public = st.sampled_from(["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1111"])


def refused(url: str, policy: OutboundPolicy = NOTHING_LISTED) -> bool:
    return not decide_url(url, policy).allowed


@given(inside_4)
def test_an_inside_address_is_refused(address: IPv4Address) -> None:
    assert refused(f"http://{address}/hook")
    assert not decide_addresses("shop.example", [str(address)], NOTHING_LISTED).allowed


@given(inside_6)
def test_an_inside_address_of_the_longer_kind_is_refused(address: IPv6Address) -> None:
    assert refused(f"https://[{address}]:8443/hook")
    assert not decide_addresses("shop.example", [str(address)], NOTHING_LISTED).allowed


@given(inside_4, st.sampled_from(["::ffff:", "64:ff9b::"]))
def test_an_inside_address_wrapped_into_a_longer_one_is_refused(
    address: IPv4Address, prefix: str
) -> None:
    assert refused(f"http://[{prefix}{address}]/")
    assert not decide_addresses("a.example", [f"{prefix}{address}"], NOTHING_LISTED).allowed


@given(
    st.ip_addresses(v=4),
    st.sampled_from(["decimal", "hex", "octal", "short", "hex parts", "padded"]),
)
def test_other_spellings_of_an_address_are_refused(address: IPv4Address, spelling: str) -> None:
    number, parts = int(address), address.packed
    spelled = {
        "decimal": str(number),
        "hex": hex(number),
        "octal": ".".join(f"0{part:o}" for part in parts),
        "short": f"{parts[0]}.{number & 0xFFFFFF}",
        "hex parts": ".".join(hex(part) for part in parts),
        "padded": ".".join(f"{part:04d}" for part in parts),
    }[spelling]
    assert refused(f"http://{spelled}/")
    assert refused(f"http://{spelled}./")


@given(st.lists(public, max_size=3), st.one_of(inside_4, inside_6), st.lists(public, max_size=3))
def test_one_inside_address_among_public_ones_refuses_the_name(
    before: list[str], inside: IPv4Address | IPv6Address, after: list[str]
) -> None:
    answers = [*before, str(inside), *after]
    assert not decide_addresses("mixed.example", answers, NOTHING_LISTED).allowed


@given(st.text(), st.sampled_from(["http://", "https://", "http://[", "", "file://"]))
def test_any_text_as_a_url_is_decided_without_an_error(text: str, scheme: str) -> None:
    decision = decide_url(scheme + text, NOTHING_LISTED)
    assert decision.allowed or decision.reason


@given(st.ip_addresses(), st.booleans())
def test_every_address_is_decided_and_listing_it_allows_it(
    address: IPv4Address | IPv6Address, bare: bool
) -> None:
    listed = OutboundPolicy.of([str(address) if bare else f"{address}/{address.max_prefixlen}"])
    unlisted = decide_addresses("a.example", [str(address)], NOTHING_LISTED)
    assert decide_addresses("a.example", [str(address)], listed).allowed
    assert unlisted.allowed == is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://1.1.1.1/",
        "https://[2606:4700:4700::1111]/dns",
        "https://hooks.example.com:8443/a/b?c=d#e",
        "https://xn--bcher-kva.example/",
        "http://my_service.example/",
        "http://example.com./",
    ],
)
def test_a_public_address_is_allowed(url: str) -> None:
    assert decide_url(url, NOTHING_LISTED).allowed


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "//example.com/",
        "example.com",
        "http://",
        "http://user:secret@example.com/",
        "http://example.com@127.0.0.1/",
        "http://example.com\\@127.0.0.1/",
        "http://127.0.0.1\t.example.com/",
        "http://exa mple.com/",
        "http://①②⑦.⓪.⓪.①/",
        "http://[fe80::1%25eth0]/",
        "http://[::]/",
        "http://[::1]/",
        "http://0/",
        "http://127.1/",
        "http://1.2.3.4.5/",
        "http://a..b/",
        "http://-a.example/",
        "http://example.com:0/",
        "http://example.com:99999/",
        "http://example.com:http/",
        "http://169.254.169.254/latest/meta-data",
        "http://168.63.129.16/",
        "http://100.100.100.200/",
        "http://[fd00:ec2::254]/",
        "http://192.88.99.1/",
        f"http://{'a' * 64}.example/",
        f"http://{'a.' * 127}example/",
    ],
)
def test_what_is_no_plain_public_url_is_refused(url: str) -> None:
    assert refused(url)


def test_a_refusal_says_what_to_do_and_repeats_no_secret() -> None:
    inside = decide_url("http://10.0.0.5/hook?key=hunter2", NOTHING_LISTED)
    assert inside.code == "private_address"
    assert "outbound_allowed" in inside.reason
    assert "hunter2" not in inside.reason
    assert "hunter2" not in decide_url("http://a:hunter2@b.example/", NOTHING_LISTED).reason


def test_listed_networks_and_names_are_allowed_and_nothing_beside_them() -> None:
    policy = OutboundPolicy.of(["10.1.0.0/16", "crm.internal.", "[::1]"])
    assert decide_url("http://10.1.2.3/", policy).allowed
    assert decide_url("http://[::ffff:10.1.2.3]/", policy).allowed
    assert decide_url("http://[::1]/", policy).allowed
    assert refused("http://10.2.0.1/", policy)
    assert decide_addresses("CRM.internal", ["192.168.7.7"], policy).allowed
    assert not decide_addresses("evil.internal", ["192.168.7.7"], policy).allowed


def test_a_listed_name_does_not_lead_to_the_clouds_metadata_but_a_listed_address_does() -> None:
    metadata = "169.254.169.254"
    by_name = OutboundPolicy.of(["crm.internal"])
    assert not decide_addresses("crm.internal", [metadata], by_name).allowed
    assert not decide_addresses("crm.internal", ["168.63.129.16"], by_name).allowed
    assert decide_addresses("crm.internal", [metadata], OutboundPolicy.of([metadata])).allowed


@pytest.mark.parametrize("entry", ["", "10.0.0.0/8 ", "*", "http://a.example", "10.0.0.1/8", "a b"])
def test_a_list_entry_that_is_neither_name_nor_network_is_refused_by_name(entry: str) -> None:
    if entry.strip() == "10.0.0.0/8":
        assert OutboundPolicy.of([entry]).networks
        return
    with pytest.raises(ValueError, match="neither a host name nor a network"):
        OutboundPolicy.of([entry])


def test_a_target_that_was_taken_apart_is_judged_the_same() -> None:
    assert decide_target("https", "example.com", None, NOTHING_LISTED).allowed
    assert not decide_target("https", "127.0.0.1", 443, NOTHING_LISTED).allowed
    assert not decide_target("ftp", "example.com", None, NOTHING_LISTED).allowed


class Answers:
    """A resolver that gives these answers, one list after the other."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, _port: int) -> Sequence[str]:
        self.asked.append(host)
        answer = self.answers.pop(0)
        if not answer:
            raise socket.gaierror(socket.EAI_NONAME, "no such host")
        return answer


@asynccontextmanager
async def _answering(answer: bytes) -> AsyncIterator[int]:
    """A server on loopback that says this to everybody; gives its port."""

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


LOOPBACK = OutboundPolicy.of(["127.0.0.1"])


@pytest.mark.anyio
async def test_the_connection_goes_to_the_address_that_was_judged_and_a_name_is_asked_once() -> (
    None
):
    hello = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
    resolver = Answers(["127.0.0.1"], ["10.0.0.1"])
    async with _answering(hello) as port, guarded_client(LOOPBACK, resolve=resolver) as client:
        response = await client.get(f"http://hooks.example:{port}/")
        assert response.text == "hi"
        assert resolver.asked == ["hooks.example"]
        with pytest.raises(OutboundRefused):
            await client.get(f"http://hooks.example:{port + 1}/")


@pytest.mark.anyio
async def test_redirects_are_handed_back_and_not_followed() -> None:
    away = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    async with _answering(away) as port, guarded_client(LOOPBACK) as client:
        response = await client.get(f"http://127.0.0.1:{port}/")
        assert response.status_code == 302


@pytest.mark.anyio
async def test_a_redirect_that_is_followed_is_judged_again() -> None:
    away = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
    async with _answering(away) as port, guarded_client(LOOPBACK) as client:
        with pytest.raises(OutboundRefused):
            await client.get(f"http://127.0.0.1:{port}/", follow_redirects=True)


@pytest.mark.anyio
async def test_an_answer_that_could_grow_by_unpacking_is_not_read() -> None:
    packed = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\nhi"
    async with _answering(packed) as port, guarded_client(LOOPBACK) as client:
        with pytest.raises(httpx2.DecodingError):
            await client.get(f"http://127.0.0.1:{port}/")


@pytest.mark.anyio
async def test_an_answer_without_an_end_is_read_to_a_bound_only() -> None:
    long = b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (LARGEST_ANSWER + 1)
    async with _answering(long) as port, guarded_client(LOOPBACK) as client:
        with pytest.raises(httpx2.ReadError):
            await client.get(f"http://127.0.0.1:{port}/")


@pytest.mark.anyio
async def test_a_proxy_from_the_environment_does_not_get_round_the_guard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    async with guarded_client(NOTHING_LISTED, resolve=Answers(["10.0.0.1"])) as client:
        with pytest.raises(OutboundRefused, match=r"hooks\.example is not on the public internet"):
            await client.get("http://hooks.example/")


@pytest.mark.anyio
async def test_a_name_nobody_knows_and_a_closed_port_are_failures_to_connect() -> None:
    async with _answering(b"") as port:
        pass
    resolver = Answers([], ["127.0.0.1"])
    async with guarded_client(LOOPBACK, resolve=resolver) as client:
        for _ in range(2):
            with pytest.raises(httpx2.ConnectError):
                await client.get(f"http://hooks.example:{port}/")


@pytest.mark.anyio
async def test_a_resolver_that_hangs_runs_into_the_deadline() -> None:
    async def hang(host: str, port: int) -> Sequence[str]:
        await anyio.sleep_forever()
        return []

    timeout = httpx2.Timeout(None, connect=0.05)
    async with guarded_client(LOOPBACK, resolve=hang, timeout=timeout) as client:
        with pytest.raises(httpx2.ConnectTimeout):
            await client.get("http://hooks.example/")
