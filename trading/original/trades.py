"""Closed trades of trade_cache.json: checked by the agents' own parser, kept by position."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from accounts.agents import AgentError, ClosedPosition, closed_position
from accounts.models import Account
from mt5monitor.text import clean
from trading.history import keep_closed
from trading.models import ClosedTrade
from trading.original.plan import Plan
from trading.original.report import Done, Kind, Report
from trading.original.strict import SHARED, SHOWN, Skip, kind, login_of_key

COMPLETED = "as contract 1 tells them; reading the history from an agent completes them"
_encoder = msgspec.json.Encoder(decimal_format="number")


def plan_trades(told: Mapping[str, Any], plan: Plan, report: Report) -> None:
    known = set(Account.objects.values_list("number", flat=True)) | set(plan.accounts)
    shared = Account.objects.shared_numbers()
    for key, value in told.items():
        try:
            number = login_of_key(key)
            if number in plan.trades:
                raise Skip("this account stands twice in the file")
            if number in shared:
                raise Skip(SHARED)
            if number not in known:
                text = "not known here: have its agent polled (refresh_accounts), and run again"
                raise Skip(text)
            trades = _list(value)
        except Skip as skip:
            report.add(Kind.TRADES, clean(key, SHOWN) or "(empty)", Done.SKIPPED, str(skip))
            continue
        plan.trades[number] = _new(number, trades, report)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, dict):
        raise Skip(f"must be an object, not {kind(value)}")
    trades = value.get("trades")
    if not isinstance(trades, list):
        raise Skip(f"trades must be a list, not {kind(trades)}")
    return trades


def _new(number: int, trades: list[Any], report: Report) -> Sequence[ClosedPosition]:
    """Those that are not here yet; a line of the report for each thing that befalls some."""
    here = _here(number)
    new: dict[int, ClosedPosition] = {}
    kept, refused = 0, Counter[str]()
    for told in trades:
        try:
            trade = _trade(told)
        except Skip as skip:
            refused[str(skip)] += 1
            continue
        if trade.position_id in here:
            kept += 1
        elif trade.position_id in new:
            refused["the same position_id twice"] += 1
        else:
            new[trade.position_id] = trade
    report.add(Kind.TRADES, number, Done.TAKEN, COMPLETED, len(new))
    report.add(Kind.TRADES, number, Done.KEPT, "here already", kept)
    for why, count in refused.items():
        report.add(Kind.TRADES, number, Done.SKIPPED, why, count)
    return list(new.values())


def _here(number: int) -> set[int]:
    rows = ClosedTrade.objects.filter(account__number=number)
    return set(rows.values_list("position_id", flat=True))


def _trade(told: Any) -> ClosedPosition:
    """Raises Skip."""
    if not isinstance(told, dict):
        raise Skip(f"a trade must be an object, not {kind(told)}")
    for name, value in told.items():
        if isinstance(value, float):
            raise Skip(f"{clean(name, 20)} is {kind(value)}")
    try:
        trade = closed_position(_encoder.encode(told))
    except AgentError as error:
        raise Skip(error.sentence) from error
    except (ValueError, TypeError, RecursionError) as error:
        raise Skip("it cannot be read") from error
    if not trade.volume:
        raise Skip("its lot is 0")
    return trade


# --- writing ------------------------------------------------------------------------------------
def store(account: Account, trades: Sequence[ClosedPosition]) -> None:
    """As if an agent of contract 1 had told them, so that a later sync completes them. Times
    without a zone are UTC in the files of the original."""
    keep_closed(account, trades, is_utc=True)
