"""A program that calls the API with a token."""

import json
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from accounts.models import ApiToken


class Program:
    def __init__(self, user: User, scopes: list[str] | None = None) -> None:
        self.user = user
        self.token, self.key = ApiToken.issue(user, "a script", timedelta(hours=1), scopes)
        self.client = Client()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        headers = {"Authorization": f"Bearer {self.key}"} | headers
        answer: Any = self.client.generic(
            method,
            f"/api/{path}",
            b"" if body is None else json.dumps(body),
            content_type="application/json",
            headers=headers,
        )
        assert isinstance(answer, HttpResponse)
        return answer

    def get(self, path: str, **headers: str) -> Any:
        """What it answers; it must be well."""
        return told(self.ask("GET", path, **headers), 200)

    def post(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.ask("POST", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers: str) -> HttpResponse:
        return self.ask("PUT", path, body, **headers)


def told(answer: HttpResponse, status: int) -> Any:
    assert answer.status_code == status, answer.content
    assert answer.headers["Content-Type"] == "application/json"
    return json.loads(answer.content)
