"""The files of a desk that ran the original, and the command that takes them over."""

import io
import json
import os
from pathlib import Path
from typing import Any
from unittest import mock

from django.core.management import call_command
from django.db import models

from accounts.models import Account, Agent, VSGroup
from trading.models import ClosedTrade, Versus, VersusEvent

ROWS: tuple[type[models.Model], ...] = (
    *(Agent, Account, VSGroup, Versus, VersusEvent, ClosedTrade),
    *(model.history.model for model in (Agent, Account, VSGroup)),
)
AGENTS = [
    {"name": "VPS-1", "url": "http://10.0.0.1:8000"},
    {"name": "VPS-2", "url": "http://10.0.0.2:8000"},
]
WAITING: dict[str, Any] = {
    "id": "ab12cd34",
    "account_a": 5001,
    "account_b": 5002,
    "symbol": "EURUSD",
    "lots": 0.5,
    "side": "BUY",
    "status": "pending",
    "created_at": "2026-01-02T10:00:00.123456",
    "scheduled_congelar": None,
    "scheduled_transferir": None,
    "tickets_a": [],
    "tickets_b": [],
    "tp_usd_a": 150.0,
    "sl_usd_a": 100.5,
    "tp_usd_b": 140,
    "sl_usd_b": 0,
}
TRADE: dict[str, Any] = {
    "symbol": "EURUSD",
    "side": "BUY",
    "lot": 0.5,
    "pips": 12.3,
    "tp_money": 61.5,
    "sl_money": None,
    "commission": -3.5,
    "profit": 61.5,
    "entry_time": "2026-01-02T10:00:00",
    "exit_time": "2026-01-02T11:30:00",
    "entry_price": 1.1,
    "exit_price": 1.10123,
    "position_id": 777,
}


def waiting(key: str = "ab12cd34", **changes: Any) -> dict[str, Any]:
    return {key: WAITING | {"id": key} | changes}


def cached(number: int, *trades: Any) -> dict[str, Any]:
    return {str(number): {"trades": list(trades), "total_trades": len(trades)}}


class Folder:
    """Each file holds what it is given: text as it is, everything else as JSON."""

    def __init__(self, path: Path) -> None:
        self.data = path / "data"
        self.data.mkdir()
        self.env = path / ".env"
        self.agents(AGENTS)

    def agents(self, agents: Any) -> None:
        self.env.write_text(f"API_PORT=8080\nVPS_AGENTS_JSON={json.dumps(agents)}\n")

    def write(self, **files: Any) -> None:
        for name, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (self.data / f"{name}.json").write_text(text)

    def run(self, *options: str) -> str:
        """What the command says, each run of blanks as one."""
        out = io.StringIO()
        folder = ("--env", str(self.env), "--data", str(self.data))
        with mock.patch.dict(os.environ, COLUMNS="500"):  # no cell is folded
            call_command("import_original", *folder, *options, stdout=out)
        return " ".join(out.getvalue().split())


def database() -> dict[str, list[Any]]:
    """All rows that an import could touch, whole."""
    return {
        model.__name__: [
            {field.attname: getattr(row, field.attname) for field in model._meta.concrete_fields}
            for row in model._default_manager.order_by("pk")
        ]
        for model in ROWS
    }
