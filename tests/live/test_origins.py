import pytest
from pytest_django import Settings

from accounts.origins import is_trusted
from tests.live.page import Page

TRUSTED = ["https://monitor.example.com", "http://127.0.0.1:8000", "http://[::1]:8000"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://monitor.example.com",
        "https://monitor.example.com:443",
        "https://MONITOR.example.com",
        "http://127.0.0.1:8000",
        "http://[::1]:8000",
    ],
)
def test_a_trusted_origin_may_open_sockets(settings: Settings, origin: str) -> None:
    settings.TRUSTED_ORIGINS = TRUSTED
    assert is_trusted(origin)


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "",
        "null",
        "http://monitor.example.com",
        "https://monitor.example.com:8443",
        "https://evil.example.com",
        "https://monitor.example.com.evil.com",
        "https://monitor.example.com@evil.com",
        "https://user@monitor.example.com",
        "https://monitor.example.com/",
        "https://monitor.example.com/path",
        "http://127.0.0.1",
        "http://127.0.0.1:8001",
        "http://localhost:8000",
        "http://[::1",
        "http://127.0.0.1:port",
        "file://127.0.0.1:8000",
        "monitor.example.com",
    ],
)
def test_any_other_origin_may_not(settings: Settings, origin: str | None) -> None:
    settings.TRUSTED_ORIGINS = TRUSTED
    assert not is_trusted(origin)


@pytest.mark.parametrize("origin", [None, "https://evil.example.com", "http://127.0.0.1:8001"])
async def test_a_foreign_socket_is_closed_with_a_reason(
    hub: object, session: str, origin: str | None
) -> None:
    async with Page(session, origin=origin) as page:
        assert (await page.frame())["type"] == "bye"
        assert (await page.frame())["code"] == 4403


async def test_two_origins_are_none(hub: object, session: str) -> None:
    page = Page(session)
    page.scope["headers"].append((b"origin", b"http://127.0.0.1:8000"))  # type: ignore[attr-defined]
    async with page:
        assert (await page.get("closed"))["code"] == 4403
