"""Agents of contract 1 that say what a test tells them to, over real HTTP, behind one port."""

import asyncio
import contextlib
import json
import threading
from collections import Counter
from typing import Any

from accounts.models import Agent
from tests.serving import Serving


class ScriptedFleet:
    """`replies[i]` is what agent i answers to GET /accounts: a JSON value, or bytes as they are.

    `positions[i]` answers GET /positions. An agent in `hanging` answers when its event is set.
    `asked` counts requests by (index, "METHOD /path").
    """

    def __init__(self) -> None:
        self.replies: dict[int, Any] = {}
        self.positions: dict[int, Any] = {}
        self.failing: set[int] = set()
        self.hanging: dict[int, threading.Event] = {}
        self.asked: Counter[tuple[int, str]] = Counter()
        self._serving = Serving(self._app, interface="asgi3", timeout_keep_alive=75)

    def __enter__(self) -> "ScriptedFleet":
        self._serving.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        for event in self.hanging.values():
            event.set()
        self._serving.__exit__()

    def url(self, index: int) -> str:
        return f"{self._serving.url}/agents/{index}"

    def make_agents(self, count: int, **columns: Any) -> list[Agent]:
        """Rows for agents 1 to count, each with an account of its own, flat."""
        for index in range(1, count + 1):
            self.replies[index] = told(index)
        return Agent.objects.bulk_create(
            Agent(name=f"vps-{index:04}", url=self.url(index), **columns)
            for index in range(1, count + 1)
        )

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        _, _, index, call = scope["path"].split("/", 3)
        self.asked[int(index), f"{scope['method']} /{call}"] += 1
        if event := self.hanging.get(int(index)):
            await asyncio.to_thread(event.wait, 30)
        status, body = self.answer(int(index), call)
        headers = [(b"content-type", b"application/json")]
        with contextlib.suppress(Exception):
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": body})

    def answer(self, index: int, call: str) -> tuple[int, bytes]:
        if index in self.failing:
            return 500, b'{"detail": "broken"}'
        if call == "refresh":
            return 200, b'{"status": "success", "message": "reconnected"}'
        if call == "trade-history" and isinstance(account := self.replies.get(index), dict):
            number = account["account_number"]
            none = {"account_number": number, "trades": [], "total_trades": 0, "total_profit": 0}
            return 200, json.dumps(none | {"total_commission": 0}).encode()
        reply = (self.replies if call == "accounts" else self.positions).get(index)
        if reply is None:
            return 404, b'{"detail": "Not Found"}'
        return 200, reply if isinstance(reply, bytes) else json.dumps(reply).encode()


def told(number: int, **fields: Any) -> dict[str, Any]:
    """An account as contract 1 tells it."""
    return {
        "account_number": number,
        "account_name": f"Account {number}",
        "balance": 100000.0,
        "status": "connected",
        "days_operating": 3,
        "has_open_position": False,
        "last_updated": "2026-01-05T10:00:00",
        "account_holder": "Ana Ruiz",
        "prop_firm": "North",
        "initial_balance": 100000.0,
    } | fields


def told_positions(number: int, *tickets: int, **fields: Any) -> dict[str, Any]:
    position = {
        "symbol": "EURUSD",
        "type": "BUY",
        "volume": 0.1,
        "open_price": 1.1,
        "current_price": 1.101,
        "sl": None,
        "tp": 1.2,
        "profit": 10.5,
        "swap": -0.5,
        "commission": 0.0,
        "open_time": "2026-01-05T09:00:00",
    } | fields
    positions = [position | {"ticket": ticket} for ticket in tickets]
    return {
        "account_number": number,
        "positions": positions,
        "total_profit": 0.0,
        "position_count": len(positions),
    }
