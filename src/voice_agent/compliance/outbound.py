"""Where the server may connect to on somebody's behalf: a pure decision about URLs and addresses.

A URL that a user can set must not reach what only this machine can reach: its own services, the
network behind it, the cloud's metadata. A name is judged by what it resolves to, all of it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final
from urllib.parse import urlsplit

from voice_agent.compliance.permits import ALLOWED, Decision

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NOT_PUBLIC: Final = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_PUBLIC_6: Final = IPv6Network("2000::/3")
_NOT_PUBLIC_6: Final = tuple(
    IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_TRANSLATED: Final = IPv6Network("64:ff9b::/96")
_METADATA: Final = frozenset(
    ip_address(address)
    for address in ("168.63.129.16", "169.254.169.254", "100.100.100.200", "fd00:ec2::254")
)
"""Where clouds answer questions about the machine; the first one is a public address."""
_NAME: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.(?!-)[a-z0-9_-]{1,63})*", re.ASCII)
_NUMBER: Final = re.compile(r"\d+|0x[0-9a-f]*", re.ASCII)
_UNFIT: Final = re.compile(r"[\x00-\x20\x7f-\uffff\U00010000-\U0010ffff\\]")


@dataclass(frozen=True, slots=True)
class OutboundPolicy:
    """What is allowed beyond public addresses: host names and networks that somebody listed."""

    hosts: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = field(default=())

    @classmethod
    def of(cls, allowed: Iterable[str]) -> "OutboundPolicy":
        """Read a list of host names, addresses and networks like `10.1.0.0/16`.

        Raises:
            ValueError: an entry is none of these; the message names it.
        """
        hosts: set[str] = set()
        networks: list[Network] = []
        for entry in allowed:
            text = entry.strip().strip("[]").casefold()
            try:
                networks.append(ip_network(text))
            except ValueError:
                hosts.add(_checked_name(text, entry))
        return cls(frozenset(hosts), tuple(networks))

    def lists(self, address: Address) -> bool:
        """Whether the address is in one of the networks."""
        return any(address in network for network in self.networks)


def decide_url(url: str, policy: OutboundPolicy) -> Decision:
    """May this URL be asked, as far as can be told before its name is resolved?"""
    if _UNFIT.search(url):
        return _refused("malformed", "The URL contains characters that URLs do not have.")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return _refused("malformed", "The URL cannot be read.")
    if "@" in parts.netloc:
        return _refused("credentials", "The URL contains credentials; put them into a header.")
    return decide_target(parts.scheme, parts.hostname or "", port, policy)


def decide_target(scheme: str, host: str, port: int | None, policy: OutboundPolicy) -> Decision:
    """The same for a URL that was taken apart already."""
    if scheme not in ("http", "https"):
        return _refused("scheme", "Only http:// and https:// are asked.")
    if port == 0:
        return _refused("malformed", "There is no port 0.")
    name = normal_host(host)
    literal = _literal(name)
    if literal is not None:
        return decide_addresses(name, [str(literal)], policy)
    if not _NAME.fullmatch(name) or len(name) > 253 or _NUMBER.fullmatch(name.split(".")[-1]):
        return _refused("host", "The host is neither a name nor a plain address.")
    return ALLOWED


def decide_addresses(host: str, addresses: Sequence[str], policy: OutboundPolicy) -> Decision:
    """May a host with these addresses be asked? One that may not be speaks for all of them."""
    if not addresses:
        return _refused("unresolved", "The host has no address.")
    named = normal_host(host) in policy.hosts
    for text in addresses:
        try:
            address = ip_address(text)
        except ValueError:
            return _refused("host", "The host resolves to something that is no address.")
        if not _may_reach(address, policy, named=named):
            return _refused(
                "private_address",
                f"{host} is not on the public internet; to allow it, list it in outbound_allowed.",
            )
    return ALLOWED


def normal_host(host: str) -> str:
    """The host as it is compared: lower case, no brackets, no final dot."""
    return host.casefold().removeprefix("[").removesuffix("]").removesuffix(".")


def is_public(address: Address) -> bool:
    """Whether the address belongs to the public internet and to nobody's inside."""
    plain = _plain(address)
    if plain in _METADATA:
        return False
    if isinstance(plain, IPv4Address):
        return not any(plain in network for network in _NOT_PUBLIC)
    return plain in _PUBLIC_6 and not any(plain in network for network in _NOT_PUBLIC_6)


def _may_reach(address: Address, policy: OutboundPolicy, *, named: bool) -> bool:
    """An allowed name reaches everything but where the machine itself is described."""
    plain = _plain(address)
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    if policy.lists(plain) or policy.lists(address):
        return True
    return is_public(plain) or (named and plain not in _METADATA and not plain.is_link_local)


def _plain(address: Address) -> Address:
    """The IPv4 address within an IPv6 one that means the same."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _TRANSLATED:
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _literal(host: str) -> Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _checked_name(text: str, entry: str) -> str:
    name = text.removesuffix(".")
    if not _NAME.fullmatch(name) or _NUMBER.fullmatch(name.split(".")[-1]):
        raise ValueError(f"{entry!r} is neither a host name nor a network like 10.1.0.0/16")
    return name


def _refused(code: str, reason: str) -> Decision:
    return Decision(allowed=False, code=code, reason=reason)
