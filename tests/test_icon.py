"""The icon of the site."""

from django.contrib.staticfiles import finders
from django.test import Client

from mt5monitor.theme import ICON


def test_the_usual_address_of_an_icon_redirects_to_ours_without_signing_in() -> None:
    response = Client().get("/favicon.ico")
    assert response.status_code == 302
    assert response.headers["Location"].endswith(ICON)
    assert finders.find(ICON)
