"""What is worth it is compressed, with what the browser takes."""

import gzip
import subprocess
import sys

import brotli
import pytest
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import RequestFactory

from mt5monitor.compression import CompressionMiddleware

LONG = b"<p>The same again and again.</p>" * 200


def answered(takes: str, body: bytes = LONG, **headers: str) -> HttpResponse:
    def page(_: object) -> HttpResponseBase:
        return HttpResponse(body, headers=headers)

    request = RequestFactory().get("/", headers={"Accept-Encoding": takes} if takes else {})
    answer = CompressionMiddleware(page)(request)
    assert isinstance(answer, HttpResponse)
    return answer


@pytest.mark.parametrize(
    "takes", ["br", "gzip, br", "gzip, deflate, br, zstd", "br;q=0.5", "gzip;q=0.8,br;q=1"]
)
def test_a_browser_that_takes_brotli_gets_it(takes: str) -> None:
    answer = answered(takes, ETag='"x"')
    assert answer.headers["Content-Encoding"] == "br"
    assert brotli.decompress(answer.content) == LONG
    assert len(answer.content) == int(answer.headers["Content-Length"])
    assert (answer.headers["Vary"], answer.headers["ETag"]) == ("Accept-Encoding", 'W/"x"')


@pytest.mark.parametrize("takes", ["gzip", "gzip, br;q=0", "gzip;q=1.0, br;q=0.000", "gzip, brx"])
def test_another_gets_gzip(takes: str) -> None:
    answer = answered(takes)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(answer.content) == LONG


def test_to_see_what_a_browser_takes_is_no_work_whatever_it_says() -> None:
    """In a process of its own: nothing else could end it."""
    work = "from mt5monitor.compression import TAKES_BROTLI as takes; "
    work += "[takes.search(said) for said in ('br' + ' ' * 10**6 + 'x', 'br ' * 10**6)]"
    subprocess.run([sys.executable, "-c", work], timeout=60, check=True)  # noqa: S603


@pytest.mark.parametrize("takes", ["", "identity", "zstd"])
def test_one_that_takes_neither_gets_it_as_it_is(takes: str) -> None:
    answer = answered(takes)
    assert "Content-Encoding" not in answer.headers
    assert answer.content == LONG


def test_what_is_short_or_compressed_already_is_left_alone() -> None:
    assert answered("br", b"short").content == b"short"
    packed = answered("br", **{"Content-Encoding": "identity"})
    assert packed.content == LONG
