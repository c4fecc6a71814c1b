"""What a proxy says of the caller, before Daphne believes it.

Daphne takes any text for an address, and a text that is none for an error of its own. Here what is
no address, port or scheme is dropped: the caller then has the address of the proxy, and shares its
limits with all others whose address is not known.
"""

from ipaddress import ip_address
from typing import Any, Final

ADDRESS, PORT, SCHEME = b"X-Forwarded-For", b"X-Forwarded-Port", b"X-Forwarded-Proto"
SCHEMES: Final = (b"http", b"https")


def clean(headers: Any) -> None:
    """Keep of these headers, Twisted's, what can be true."""
    for name, read in ((ADDRESS, _address), (PORT, _port), (SCHEME, _scheme)):
        values = headers.getRawHeaders(name)
        if values is None:
            continue
        # Of several, Daphne takes the first of the first.
        if found := read(values[0].partition(b",")[0].strip()):
            headers.setRawHeaders(name, [found])
        else:
            headers.removeHeader(name)


def _address(text: bytes) -> bytes | None:
    """Without a port, which some proxies write behind it: 192.0.2.1:5000, [2001:db8::1]:5000."""
    try:
        words = text.decode("ascii")
    except UnicodeDecodeError:
        return None
    if words.startswith("["):
        words = words[1:].partition("]")[0]
    elif words.count(":") == 1:
        words = words.partition(":")[0]
    try:
        return str(ip_address(words)).encode()
    except ValueError:
        return None


def _port(text: bytes) -> bytes | None:
    return text if text.isdigit() and len(text) <= 5 and int(text) < 65_536 else None


def _scheme(text: bytes) -> bytes | None:
    return text.lower() if text.lower() in SCHEMES else None
