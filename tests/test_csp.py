"""What pages of the admin may run and show; tests/browser/test_admin.py is how that works out."""

import re

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client

from mt5monitor.csp import ContentSecurityPolicyMiddleware
from tests.factories import make_user


def policy(path: str, body: str = "") -> dict[str, list[str]]:
    request = HttpRequest()
    request.path_info = request.path = path
    respond = ContentSecurityPolicyMiddleware(lambda _: HttpResponse(body))
    header = respond(request).headers["Content-Security-Policy"]
    return {name: words for name, *words in (part.split() for part in header.split(";"))}


def test_pages_run_and_show_nothing_inline() -> None:
    found = policy("/")
    assert found["default-src"] == ["'self'"]
    assert "unsafe" not in str(found)


def test_the_admin_runs_no_inline_script_and_shows_no_inline_style() -> None:
    found = policy("/admin/")
    assert found["script-src"] == ["'self'", "'unsafe-eval'"]
    assert found["style-src"] == ["'self'"]
    assert "'unsafe-inline'" not in found["style-src-elem"]
    inline = [name for name, words in found.items() if "'unsafe-inline'" in words]
    assert inline == ["style-src-attr"]


@pytest.mark.django_db
def test_the_colours_of_the_theme_are_let_in() -> None:
    client = Client()
    client.force_login(make_user(is_staff=True, is_superuser=True))
    answer = client.get("/admin/")
    assert len(re.findall("<style", answer.content.decode())) == 1
    assert answer.headers["Content-Security-Policy"].count("'sha256-") == 2


@pytest.mark.parametrize(
    "style",
    [
        "body { background: url(/x) }",
        ":root { --a: b; } body { color: red; }",
        ":root { color: red; }",
        ":root { --a: url(//evil.example)} input[value^=a] { --b: c; }",
    ],
)
def test_no_other_style_is_let_in_in_their_place(style: str) -> None:
    found = policy("/admin/", f'<style id="unfold-theme-colors">{style}</style>')
    assert len(found["style-src-elem"]) == 2
