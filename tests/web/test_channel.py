"""What is too large or too slow is refused before it is a request."""

import json
from collections.abc import Iterator

import pytest

from mt5monitor.web import bodies, channel
from mt5monitor.web.bodies import KB, SIGNING_IN, USUAL
from tests.web.line import Line, chunk, end_all, head, make_factory

CHUNKED = "Transfer-Encoding: chunked"


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    yield
    end_all()


def test_a_body_that_says_it_is_too_large_is_refused_at_its_headers() -> None:
    line = Line()
    line.send(head(length=SIGNING_IN + 1))
    assert line.status == 413
    assert line.served == []
    assert line.transport.half_closed


def test_a_body_of_just_the_limit_is_served() -> None:
    line = Line()
    line.send(head(length=SIGNING_IN) + b"a" * SIGNING_IN)
    assert (line.status, line.served) == (None, [b"/login/"])


def test_a_chunked_body_is_refused_as_soon_as_it_is_too_large() -> None:
    line = Line()
    line.send(head("/login/", CHUNKED))
    for _ in range(SIGNING_IN // KB):
        line.send(chunk(b"a" * KB))
    assert line.status is None
    line.send(chunk(b"a"))
    assert line.status == 413
    line.send(chunk(b"a" * KB) + b"0\r\n\r\n")
    assert line.served == []


def test_a_chunked_body_in_one_piece_is_counted_too() -> None:
    line = Line()
    line.send(head("/login/", CHUNKED) + chunk(b"a" * (SIGNING_IN + 1)) + b"0\r\n\r\n")
    assert (line.status, line.served) == (413, [])


def test_the_fields_of_a_form_are_left_to_the_application() -> None:
    """Twisted makes objects of them that nobody reads: 3 GB of a form with 150 MB."""
    line = Line()
    form = b"a=1&b=2"
    line.send(head("/", "Content-Type: application/x-www-form-urlencoded", length=len(form)) + form)
    assert line.served == [b"/"]
    assert line.channel.requests[0].args == {}


def test_nobody_is_asked_to_go_on_with_what_is_refused() -> None:
    line = Line()
    line.send(head("/login/", "Expect: 100-continue", length=10**9))
    assert line.status == 413


def test_bytes_after_a_refusal_are_discarded_until_the_connection_ends() -> None:
    line = Line()
    line.send(head(length=10**9))
    said = line.transport.value()
    line.send(b"a" * 100_000 + head(length=0))
    assert (line.transport.value(), line.served) == (said, [])
    assert not line.is_cut
    line.clock.advance(channel.LINGER_S)
    assert line.is_cut


def test_the_api_is_answered_in_json_and_pages_in_plain_text() -> None:
    for target, kind in (("/api/auth/login", "application/json"), ("/login/", "text/plain")):
        line = Line()
        line.send(head(target, length=10**9))
        headers, _, body = line.transport.value().partition(b"\r\n\r\n")
        assert f"Content-Type: {kind}".encode() in headers
        sentence = json.loads(body)["detail"] if kind.endswith("json") else body.decode()
        assert "it may have 65,536 bytes" in sentence


def test_headers_that_drip_are_cut() -> None:
    line = Line()
    for _ in range(int(channel.PATIENCE_S) - 1):
        line.send(b"a")
        line.clock.advance(1)
    assert line.status is None
    line.clock.advance(1.1)
    assert line.status == 408


def test_a_body_that_drips_is_cut() -> None:
    line = Line()
    line.send(head(length=1000))
    for _ in range(int(channel.PATIENCE_S) + 1):
        line.send(b"a")
        line.clock.advance(1)
    assert (line.status, line.served) == (408, [])


def test_a_large_body_has_the_time_that_a_slow_line_needs() -> None:
    line = Line()
    line.send(head("/close/", length=2_000 * KB))
    for _ in range(100):
        line.send(b"a" * 20 * KB)
        line.clock.advance(1)
    assert line.status is None
    assert line.served == [b"/close/"]


def test_a_request_that_is_answered_slowly_is_not_cut() -> None:
    """Such as a stream of events, which lasts for hours."""
    line = Line()
    line.send(head("/events/accounts", method="GET"))
    line.clock.pump([60] * 60)
    assert (line.status, line.is_cut) == (None, False)


def test_an_idle_connection_may_wait_for_its_next_request() -> None:
    line = Line()
    line.clock.advance(channel.PATIENCE_S + 1)
    assert (line.status, line.is_cut) == (None, False)


def test_whoever_reads_the_last_answer_slowly_is_not_idle() -> None:
    line = Line()
    line.transport.dataBuffer = b"a" * 100_000
    for _ in range(10):
        line.clock.advance(60)
        line.transport.offset += 1000
    assert not line.transport.disconnecting


def test_whoever_never_reads_the_last_answer_is_cut() -> None:
    line = Line()
    line.transport.dataBuffer = b"a" * 100_000
    line.clock.pump([60, 60])
    assert line.transport.disconnecting
    line.clock.advance(15)
    assert line.is_cut


def test_large_bodies_share_a_room_and_small_ones_do_not_wait_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies, "LARGE_ONES_MOST", USUAL)
    factory = make_factory()
    first, second, small = Line(factory), Line(factory), Line(factory)
    first.send(head("/", length=USUAL) + b"a" * (USUAL - 1))
    second.send(head("/", length=USUAL) + b"a" * (USUAL - 1))
    assert (first.status, second.status) == (None, 503)
    small.send(head("/", length=10) + b"a" * 10)
    assert small.served == [b"/"]


def test_the_room_of_a_body_is_free_once_its_connection_is_gone() -> None:
    line = Line()
    line.send(head("/", length=USUAL) + b"a" * (USUAL - 1))
    assert line.factory.room.taken == USUAL - 1
    line.channel.connectionLost()
    assert line.factory.room.taken == 0


def test_the_room_of_a_refused_body_is_free_at_once() -> None:
    line = Line()
    line.send(head("/login/", CHUNKED) + chunk(b"a" * SIGNING_IN) + chunk(b"a"))
    assert (line.status, line.factory.room.taken) == (413, 0)


def test_too_many_connections_that_send_nothing_cost_the_oldest_its_place() -> None:
    factory = make_factory()
    factory.waiting.most = 3
    busy, oldest, *others = [Line(factory) for _ in range(3)]
    busy.send(head("/events/accounts", method="GET"))
    others += [Line(factory) for _ in range(2)]
    assert oldest.is_cut
    assert not any(line.is_cut for line in (busy, *others))
