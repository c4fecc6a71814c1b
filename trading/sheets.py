"""What the desk keeps in its spreadsheet at Google: the fleet and its closed trades."""

from django.utils import timezone

from accounts.exports.sheets import Result, Sheet, sync
from accounts.fleet.query import Fleet, fleet_table
from accounts.models import Account
from trading.history.trade_list import table_of_trades
from trading.models import ClosedTrade


def sync_all(*, dry_run: bool = False) -> Result:
    """Worksheets "Fleet" and "Trades", which has those of all accounts, the last one first."""
    fleet = Sheet("Fleet", fleet_table(Fleet({}, timezone.now())))
    trades = table_of_trades("trades", ClosedTrade.objects.all())
    return sync([fleet, Sheet("Trades", trades)], dry_run=dry_run)


def sync_trades(account: Account) -> Result:
    """The worksheet "Trades 4711", of that account alone; with its id where several have 4711."""
    trades = table_of_trades("trades", ClosedTrade.objects.filter(account=account))
    return sync([Sheet(f"Trades {account.key}", trades)])
