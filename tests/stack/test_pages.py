import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from mt5monitor.stack.environment import Environment
from mt5monitor.stack.pages import answer
from tests.stack.stack import free_port

HEALTHY = {"/healthz": (200, ""), "/": (302, "/login/?next=/")}


class Pages(HTTPServer):
    """Answers what `answers` says for each path."""

    answers: dict[str, tuple[int, str]]


class Handler(BaseHTTPRequestHandler):
    server: Pages

    def do_GET(self) -> None:
        status, location = self.server.answers[self.path]
        self.send_response(status)
        if location:
            self.send_header("Location", location)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def pages() -> Iterator[Pages]:
    with Pages(("127.0.0.1", 0), Handler) as server:
        server.answers = dict(HEALTHY)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def at(port: int) -> Environment:
    return Environment(Path("state"), port, "127.0.0.1", 69, 1, False)


def test_pages_answer_when_the_health_page_does_and_redirect_to_sign_in(
    pages: Pages,
) -> None:
    assert answer(at(pages.server_port))


@pytest.mark.parametrize(
    ("path", "reply"),
    [("/healthz", (503, "")), ("/", (500, "")), ("/", (200, "")), ("/", (302, "/elsewhere/"))],
)
def test_pages_do_not_answer_while_one_of_the_two_is_wrong(
    pages: Pages, path: str, reply: tuple[int, str]
) -> None:
    pages.answers[path] = reply
    assert not answer(at(pages.server_port))


def test_pages_do_not_answer_where_nobody_listens() -> None:
    assert not answer(at(free_port()))
