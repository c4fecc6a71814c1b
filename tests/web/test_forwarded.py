"""What a proxy says of the caller is taken only where it can be true."""

import pytest
from twisted.web.http_headers import Headers

from mt5monitor.web import forwarded


def cleaned(name: bytes, *values: bytes) -> bytes | None:
    headers = Headers({name: list(values)})
    forwarded.clean(headers)
    kept = headers.getRawHeaders(name)
    return kept[0] if kept else None


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (b"192.0.2.1", b"192.0.2.1"),
        (b"192.0.2.1, 198.51.100.7", b"192.0.2.1"),
        (b"192.0.2.1:5000", b"192.0.2.1"),
        (b"2001:DB8::0001", b"2001:db8::1"),
        (b"[2001:db8::1]:5000", b"2001:db8::1"),
        (b"\xff\xfe", None),
        (b"unknown", None),
        (b"", None),
        (b"192.0.2.1\x00", None),
        (b"999.0.2.1", None),
        (b"192.0.2.1 evil", None),
        ("١٢٧.0.0.1".encode(), None),
        (b"<script>", None),
        (b"a" * 10_000, None),
    ],
)
def test_an_address_is_one_or_is_not_believed(said: bytes, kept: bytes | None) -> None:
    assert cleaned(b"X-Forwarded-For", said) == kept


@pytest.mark.parametrize(
    ("said", "kept"),
    [(b"443", b"443"), (b"99999", None), (b"-1", None), (b"\xb2", None), (b"9" * 5000, None)],
)
def test_a_port_is_one_or_is_not_believed(said: bytes, kept: bytes | None) -> None:
    assert cleaned(b"X-Forwarded-Port", said) == kept


@pytest.mark.parametrize(
    ("said", "kept"),
    [(b"https", b"https"), (b"HTTP", b"http"), (b"javascript", None), (b"\xff", None)],
)
def test_a_scheme_is_one_or_is_not_believed(said: bytes, kept: bytes | None) -> None:
    assert cleaned(b"X-Forwarded-Proto", said) == kept
