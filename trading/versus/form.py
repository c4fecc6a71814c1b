"""What somebody typed to make a versus: read and checked in form, kept as it was typed.

Nothing is stored, and no agent is asked. `errors` has a sentence for each field that cannot stay.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone

from accounts.agents import symbol_name
from accounts.keys import Ambiguous, account_of
from accounts.models import Account, AccountQuerySet, Position, VSGroup
from mt5monitor.text import clean
from trading import numbers, symbols
from trading.models import Versus
from trading.models.versus import WINDOW
from trading.sizing import Refused
from trading.versus import zones

T = TypeVar("T")
WHO_LENGTH = 80
LONGEST_WINDOW = 720  # minutes
MONEY = {
    "sl_a": "Stop-loss of A",
    "tp_a": "Take-profit of A",
    "sl_b": "Stop-loss of B",
    "tp_b": "Take-profit of B",
}
TIMES = {"freeze_at": "Freeze at", "transfer_at": "Transfer at"}


def accounts_of(group: VSGroup | None) -> AccountQuerySet:
    """Those to choose from: of the pair that it was opened for, else all."""
    accounts = Account.objects.select_related("firm", "agent", "vs_group").order_by("number", "pk")
    return accounts.filter(vs_group=group) if group else accounts


def blank(user: User, group: VSGroup | None) -> dict[str, str]:
    """What the form holds before anything is typed: the pair, and the zone used last."""
    last = Versus.objects.filter(created_by=user).order_by("-pk").first()
    zone = last.zone if last else timezone.get_default_timezone_name()
    pair = {f"account_{a.vs_slot.lower()}": a.key for a in accounts_of(group) if group}
    return {"zone": zone, "window": str(WINDOW // timedelta(minutes=1)), "side_a": "BUY"} | pair


class VersusForm:
    def __init__(
        self, data: Mapping[str, str], group: VSGroup | None, *, is_exact: bool = False
    ) -> None:
        """`is_exact`: a program names accounts, and none is looked for by a part of its name."""
        self.data, self.group, self._is_exact = data, group, is_exact
        self.errors: dict[str, str] = {}

    def read(self) -> Versus | None:
        """Not stored; None when something cannot stay as it is."""
        a, b = (self._attempt(f"account_{role}", self._account) for role in "ab")
        names = {name: self._attempt(name, self._symbol) for name in ("symbol_a", "symbol_b")}
        lots = self._attempt("lots", self._lots)
        money = {name: self._attempt(name, self._money) for name in MONEY}
        times = self._times()
        window = self._attempt("window", self._window)
        side = self._attempt("side_a", self._side)
        if a is not None and a == b:
            self.errors["account_b"] = "A and B must be two accounts."
        if self.errors or a is None or b is None:
            return None
        columns = names | money | times | {"lots": lots, "side_a": side, "window": window}
        return Versus(account_a=a, account_b=b, zone=self._text("zone"), **columns)

    def _text(self, name: str) -> str:
        return self.data.get(name, "").strip()

    def _attempt(self, name: str, read: Callable[[str], T]) -> T | None:
        try:
            return read(name)
        except Refused as refused:
            self.errors[name] = str(refused)
            return None

    # --- accounts -------------------------------------------------------------------------------
    def _account(self, name: str) -> Account:
        """By number, or by any part of number, holder or firm that only one account has."""
        text, role = clean(self._text(name), WHO_LENGTH), name[-1].upper()
        if not text:
            raise Refused(f"Choose account {role}.")
        accounts, key = accounts_of(self.group), text.split()[0]
        try:
            return account_of(key, accounts, self.data.get(f"server_{name[-1]}"))
        except Ambiguous as error:
            raise Refused(f"{error} Choose one of the list.") from error
        except Account.DoesNotExist as error:
            if self._is_exact:
                at = self.data.get(f"server_{name[-1]}")
                at = f" at server {at}" if at else ""
                raise Refused(f"No account fits “{text}”{at}.") from error
        parts = Q(number__contains=text) | Q(holder__icontains=text) | Q(name__icontains=text)
        found = list(accounts.filter(parts | Q(firm__name__icontains=text))[:2])
        if len(found) == 1:
            return found[0]
        where = f" in the VS group {self.group}" if self.group else ""
        if found:
            raise Refused(f"More than one account{where} fits “{text}”. Write its number.")
        raise Refused(f"No account{where} fits “{text}”.")

    def _symbol(self, name: str) -> str:
        """Spaces around it count where an account holds or traded a symbol of that very name."""
        typed, symbol = self.data.get(name, ""), self._text(name)
        if typed != symbol and typed in symbols.of_fleet():
            symbol = typed
        if not symbol_name.is_name(symbol):
            raise Refused(f"Name the symbol of account {name[-1].upper()}, as its broker does.")
        return symbol

    # --- numbers --------------------------------------------------------------------------------
    def _lots(self, name: str) -> Decimal:
        lots = numbers.positive(self._text(name), "Lots")
        if lots is None:
            raise Refused("Write how many lots, such as 0.10.")
        return _fits(name, lots, "Lots")

    def _money(self, name: str) -> Decimal | None:
        amount = numbers.positive(self._text(name), MONEY[name])
        return None if amount is None else _fits(name, amount, MONEY[name])

    def _window(self, name: str) -> timedelta:
        minutes = numbers.whole(self._text(name))
        if minutes is None or not 1 <= minutes <= LONGEST_WINDOW:
            raise Refused(f"Write whole minutes, from 1 to {LONGEST_WINDOW}.")
        return timedelta(minutes=minutes)

    def _side(self, name: str) -> str:
        side = self._text(name)
        if side not in Position.Side.values:
            raise Refused("Choose which leg A keeps: buy or sell.")
        return side

    # --- times ----------------------------------------------------------------------------------
    def _times(self) -> dict[str, datetime | None]:
        here = self._attempt("zone", lambda name: zones.zone(self._text(name)))
        times = {name: self._attempt(name, lambda n: self._time(n, here)) for name in TIMES}
        freeze, transfer = times["freeze_at"], times["transfer_at"]
        if freeze and transfer and transfer <= freeze:
            self.errors["transfer_at"] = "It is frozen first and transferred later."
        return times

    def _time(self, name: str, here: ZoneInfo | None) -> datetime | None:
        if here is None:
            return None
        at = zones.read(self._text(name), here, TIMES[name])
        if at is not None and at <= timezone.now():
            raise Refused(f"{TIMES[name]}: that time has passed in {here}.")
        return at


def _fits(name: str, number: Decimal, what: str) -> Decimal:
    """Raises Refused for what its column cannot hold as it is."""
    try:
        Versus._meta.get_field(name).clean(number, None)  # type: ignore[union-attr]
    except ValidationError as error:
        raise Refused(f"{what}: {' '.join(error.messages)}") from error
    return number


def twin(versus: Versus, user: User) -> Versus | None:
    """One that is open and was made from the same form: it was sent twice."""
    same = ("account_a", "account_b", "symbol_a", "symbol_b", "lots", "side_a", "zone", "window")
    stops = ("sl_a", "tp_a", "sl_b", "tp_b", "freeze_at", "transfer_at")
    alike = {name: getattr(versus, name) for name in (*same, *stops)}
    return Versus.objects.open().filter(created_by=user, **alike).first()
