import gzip
import zlib

import pytest

from accounts.agents.bodies import Bound, decoded
from accounts.agents.errors import Malformed, TooLarge, UnexpectedEncoding

LIMIT = Bound(1000)


def raw_deflate(data):
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(data) + deflater.flush()


@pytest.mark.parametrize("encoding", ["", "identity", " Identity "])
def test_a_plain_body_stays_as_it_is(encoding):
    assert decoded(b"{}", encoding, LIMIT) == b"{}"


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("gzip", gzip.compress),
        ("X-GZIP", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", raw_deflate),
    ],
)
def test_gzip_and_both_kinds_of_deflate_are_read(encoding, compress):
    assert decoded(compress(b'{"a": 1}'), encoding, LIMIT) == b'{"a": 1}'


def test_a_bomb_is_refused_before_it_is_inflated():
    with pytest.raises(TooLarge):
        decoded(gzip.compress(b"0" * 50_000_000), "gzip", LIMIT)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x" * 5000])
def test_other_encodings_are_refused_by_name(encoding):
    with pytest.raises(UnexpectedEncoding, match=encoding[:10]):
        decoded(b"", encoding, LIMIT)


@pytest.mark.parametrize(
    "body",
    [b"", b"not gzip", gzip.compress(b"hello")[:-3], gzip.compress(b"a") + gzip.compress(b"b")],
    ids=["empty", "not gzip", "cut short", "two members"],
)
def test_a_damaged_body_is_malformed(body):
    with pytest.raises(Malformed, match="damaged"):
        decoded(body, "gzip", LIMIT)
