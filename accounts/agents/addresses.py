"""Where agents may live: which URLs are accepted and which addresses are dialled.

Public and private addresses are allowed (RFC 1918, unique local, carrier-grade NAT). Loopback
is allowed only inside a network listed in AGENT_ALLOWED_NETWORKS. Link-local, multicast,
unspecified, reserved and cloud metadata addresses never are, listed or not. The list adds
exceptions for loopback and does nothing else: it never narrows what is allowed.

A URL is checked twice: by `check_url` when it is entered, without asking DNS, and by
`check_address` on the address that a connection is about to be made to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import SplitResult, urlsplit

import httpx

from accounts.agents.errors import AddressNotAllowed

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

URL_LENGTH = 500
LOOPBACK: tuple[Network, ...] = (IPv4Network("127.0.0.0/8"), IPv6Network("::1/128"))
LOOPBACK_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback")
METADATA_NAMES = ("metadata", "metadata.google.internal", "metadata.goog", "instance-data")
METADATA = frozenset(
    ip_address(literal)
    for literal in (
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)
NEVER: tuple[tuple[str, Network], ...] = (
    ("unspecified", IPv4Network("0.0.0.0/8")),
    ("unspecified", IPv6Network("::/128")),
    ("link-local", IPv4Network("169.254.0.0/16")),
    ("link-local", IPv6Network("fe80::/10")),
    ("multicast", IPv4Network("224.0.0.0/4")),
    ("multicast", IPv6Network("ff00::/8")),
    ("reserved", IPv4Network("192.0.0.0/24")),
    ("reserved", IPv4Network("240.0.0.0/4")),
)
EMBEDDING: tuple[tuple[IPv6Network, int], ...] = (
    # the network, and how far right of the embedded IPv4 address the rest begins
    (IPv6Network("::ffff:0:0/96"), 0),
    (IPv6Network("::ffff:0:0:0/96"), 0),
    (IPv6Network("64:ff9b::/96"), 0),
    (IPv6Network("64:ff9b:1::/48"), 0),
    (IPv6Network("2002::/16"), 80),
    (IPv6Network("::/96"), 0),
)
LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
ENDS_IN_NUMBER = re.compile(r"(?:^|\.)(?:[0-9]+|0x[0-9a-f]*)$")


@lru_cache(maxsize=16)
def networks(allowed: tuple[str, ...]) -> tuple[Network, ...]:
    """Raise ValueError, naming the entry, for one that is not a network."""
    parsed: list[Network] = []
    for entry in allowed:
        try:
            parsed.append(ip_network(entry.strip(), strict=False))
        except ValueError as error:
            raise ValueError(f"AGENT_ALLOWED_NETWORKS: {entry!r} is not a network") from error
    return tuple(parsed)


def check_url(url: str, allowed: Iterable[str]) -> None:
    """Raise AddressNotAllowed, with a sentence for the person who typed it, unless `url` may be
    the base URL of an agent: http or https, a host, perhaps a port and a path, nothing else."""
    host, port = _host_and_port(url)
    check_host(host, networks(tuple(allowed)))
    if port == 0:
        raise AddressNotAllowed("The port must be between 1 and 65535.")


def check_host(host: str, allowed: tuple[Network, ...]) -> None:
    """Judge a literal address or, without asking DNS, a name. Raise AddressNotAllowed."""
    name = host.lower().removesuffix(".")
    if ":" in host or ENDS_IN_NUMBER.search(name):
        check_address(_literal(host), allowed)
    elif name in LOOPBACK_NAMES or name.endswith(".localhost"):
        if not any(net.overlaps(loop) for net in allowed for loop in LOOPBACK if _same(net, loop)):
            raise AddressNotAllowed(_loopback_sentence(host))
    elif name in METADATA_NAMES or name.startswith("instance-data."):
        raise AddressNotAllowed(f"{host} serves a cloud provider's secrets: never an agent.")
    elif len(name) > 253 or not all(LABEL.fullmatch(label) for label in name.split(".")):
        raise AddressNotAllowed(f"{host} is not a host name.")


def check_address(address: Address, allowed: tuple[Network, ...]) -> None:
    """Raise AddressNotAllowed unless a connection to `address` may be made."""
    judged = _embedded(address)
    if judged in METADATA:
        raise AddressNotAllowed(f"{address} serves a cloud provider's secrets: never an agent.")
    if any(judged in net for net in LOOPBACK if net.version == judged.version):
        if not any(judged in net for net in allowed if net.version == judged.version):
            raise AddressNotAllowed(_loopback_sentence(str(address)))
        return
    for kind, net in NEVER:
        if net.version == judged.version and judged in net:
            raise AddressNotAllowed(f"{address} is a {kind} address: no agent can live there.")


def check_dialled(host: str, allowed: tuple[Network, ...]) -> None:
    """The same for the text of a socket address, as the system resolved it."""
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError as error:
        raise AddressNotAllowed(f"{host} is not an address.") from error
    check_address(address, allowed)


def _embedded(address: Address) -> Address:
    """The IPv4 address inside the IPv6 forms that carry one, else `address` itself."""
    if isinstance(address, IPv4Address) or int(address) <= 1:
        return address
    plain = IPv6Address(int(address))
    for net, shift in EMBEDDING:
        if plain in net:
            return IPv4Address((int(plain) >> shift) & 0xFFFFFFFF)
    return plain


def _literal(host: str) -> Address:
    """Only the plain spelling: other parsers read 2130706433, 0x7f.1 and 0177.0.0.1 as well."""
    try:
        return ip_address(host)
    except ValueError as error:
        raise AddressNotAllowed(
            f"{host} is an unusual way to write an address: write it like 10.0.0.5 or [fd00::5]."
        ) from error


def _same(one: Network, other: Network) -> bool:
    return one.version == other.version


def _loopback_sentence(host: str) -> str:
    return (
        f"{host} is this machine itself: list its network in AGENT_ALLOWED_NETWORKS "
        "(127.0.0.0/8 or ::1/128) if an agent really runs here."
    )


def _host_and_port(url: str) -> tuple[str, int | None]:
    """Split `url`, refusing everything that two parsers could read in two ways."""
    if len(url) > URL_LENGTH:
        raise AddressNotAllowed(f"The URL is longer than {URL_LENGTH} characters.")
    if not url.isascii() or not url.isprintable() or any(char in ' \\"<>^`{|}' for char in url):
        raise AddressNotAllowed("The URL holds spaces or characters that do not belong in one.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise AddressNotAllowed(f"This is not a URL: {error}.") from error
    _check_parts(parts, url)
    if not host or "%" in host:
        raise AddressNotAllowed("The URL names no host: write it like http://10.0.0.5:8000.")
    try:
        _ = httpx.URL(url).host  # by which it is dialled; it knows more of IPv6 and of IDNA
    except (ValueError, httpx.InvalidURL) as error:
        raise AddressNotAllowed(f"{host} is not a host name.") from error
    return host, port


def _check_parts(parts: SplitResult, url: str) -> None:
    if parts.scheme not in ("http", "https"):
        raise AddressNotAllowed("The URL must begin with http:// or https://.")
    if "@" in parts.netloc:
        raise AddressNotAllowed("The URL must not hold a user name or password.")
    if "?" in url or "#" in url:
        raise AddressNotAllowed("The URL must end after its path: no ? and no #.")
    if parts.netloc.endswith(":"):
        raise AddressNotAllowed("The URL has a colon but no port after it.")
    if any(part in (".", "..") for part in parts.path.split("/")) or "%" in parts.path:
        raise AddressNotAllowed("The path of the URL must be plain: no dots alone, no % codes.")
