"""How often one caller may ask: counted in Valkey, for all web processes together."""

import ipaddress
import logging
import time
from contextlib import suppress

from django.core.cache import cache
from django.http import HttpRequest
from redis.exceptions import RedisError

log = logging.getLogger(__name__)
MINUTE = 60
PREFIX = 64  # bits of an IPv6 address by which callers are counted
TOO_OFTEN = "Too many requests: wait a moment."


class TooOften(Exception):
    """429, with the seconds after which it may be tried again."""

    def __init__(self, sentence: str = TOO_OFTEN, wait_s: float | None = None) -> None:
        super().__init__(sentence)
        self.wait_s = MINUTE - time.time() % MINUTE + 1 if wait_s is None else wait_s


def _slot(key: str, seconds: int = MINUTE) -> str:
    return f"rate:{key}:{int(time.time()) // seconds}"


def count(key: str, seconds: int = MINUTE) -> int:
    """Of this minute, or span of so many seconds, this one included. Raises RedisError."""
    slot = _slot(key, seconds)
    cache.add(slot, 0, timeout=2 * seconds)
    return int(cache.incr(slot))


def forget(key: str, seconds: int = MINUTE) -> None:
    """What was counted in this span. Raises RedisError."""
    cache.delete(_slot(key, seconds))


def give_back(key: str, seconds: int = MINUTE) -> None:
    """One less was counted in this span. Raises RedisError."""
    with suppress(ValueError):  # the span has ended meanwhile
        cache.decr(_slot(key, seconds))


def counted(key: str) -> int:
    """Of this minute so far; 0 when it cannot be told."""
    try:
        return int(cache.get(_slot(key), 0))
    except (RedisError, ValueError):
        return 0


def spend(key: str, most: int) -> None:
    """Counts one more. Raises TooOften. Lets requests through when nothing can be counted: reading
    matters more than counting."""
    try:
        now = count(key)
    except (RedisError, ValueError):
        log.warning("Requests of the API cannot be counted: Valkey does not answer")
        return
    if now > most:
        raise TooOften


def address(request: HttpRequest) -> str:
    """Of the connection: what a header claims is anybody's word."""
    return str(request.META.get("REMOTE_ADDR", ""))


def network_of(address: str) -> str:
    """Return what callers are counted by: of IPv6 the /64, since each customer has at least that
    many addresses; of IPv4 the address, also where it is written as IPv6. Text that is no address
    stays as it is."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, PREFIX), strict=False))


def network(request: HttpRequest) -> str:
    """Return the network of the connection, as callers are counted."""
    return network_of(address(request))
