"""What somebody typed to make a versus: read and checked in form, kept as it was typed.

Nothing is stored, and no agent is asked. `sentences` has one for each field that cannot stay.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone

from accounts.agents import symbol_name
from accounts.keys import Ambiguous, account_of
from accounts.models import Account, AccountQuerySet, Position, VSGroup
from mt5monitor.text import clean
from trading import numbers, symbols
from trading.forms import Typed, refusals
from trading.models import Versus
from trading.models.versus import WINDOW
from trading.sizing import Refused
from trading.versus import zones

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


# --- reading one field: each raises Refused -----------------------------------------------------
def _lots(text: str) -> Decimal:
    lots = numbers.positive(text, "Lots")
    if lots is None:
        raise Refused("Write how many lots, such as 0.10.")
    return _fits("lots", lots, "Lots")


def _money(name: str, text: str) -> Decimal | None:
    amount = numbers.positive(text, MONEY[name])
    return None if amount is None else _fits(name, amount, MONEY[name])


def _window(text: str) -> timedelta:
    minutes = numbers.whole(text.strip())
    if minutes is None or not 1 <= minutes <= LONGEST_WINDOW:
        raise Refused(f"Write whole minutes, from 1 to {LONGEST_WINDOW}.")
    return timedelta(minutes=minutes)


def _side(text: str) -> str:
    side = text.strip()
    if side not in Position.Side.values:
        raise Refused("Choose which leg A keeps: buy or sell.")
    return side


class VersusForm(forms.Form):
    """The fields are in the order in which their errors are listed."""

    account_a, account_b = Typed(), Typed()
    symbol_a, symbol_b = Typed(), Typed()
    lots = Typed(_lots)
    sl_a, tp_a, sl_b, tp_b = (Typed(partial(_money, name)) for name in MONEY)
    zone = Typed(zones.zone)  # before the times, which are read on its clock
    freeze_at, transfer_at = Typed(), Typed()
    window = Typed(_window)
    side_a = Typed(_side)

    def __init__(
        self,
        data: Mapping[str, str] | None,
        group: VSGroup | None,
        *,
        is_exact: bool = False,
        initial: dict[str, str] | None = None,
    ) -> None:
        """`is_exact`: a program names accounts, and none is looked for by a part of its name."""
        super().__init__(data, initial=initial)
        self.group, self._is_exact = group, is_exact

    @property
    def typed(self) -> Mapping[str, str]:
        return self.data if self.is_bound else self.initial

    @property
    def sentences(self) -> dict[str, str]:
        """Why each field that is wrong is."""
        return {name: " ".join(map(str, errors)) for name, errors in self.errors.items()}

    def versus(self) -> Versus:
        """Return what is valid, not stored."""
        data = self.cleaned_data
        return Versus(**data | {"zone": str(data["zone"])})

    # --- accounts -------------------------------------------------------------------------------
    def clean_account_a(self) -> Account:
        return self._account("a")

    def clean_account_b(self) -> Account:
        return self._account("b")

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("account_a") and data["account_a"] == data.get("account_b"):
            self.add_error("account_b", "A and B must be two accounts.")
        return data

    def _account(self, role: str) -> Account:
        with refusals():
            text = clean(self.cleaned_data[f"account_{role}"].strip(), WHO_LENGTH)
            if not text:
                raise Refused(f"Choose account {role.upper()}.")
            return self._named(text, self.data.get(f"server_{role}"))

    def _named(self, text: str, server: str | None) -> Account:
        """By number, or by any part of number, holder or firm that only one account has."""
        accounts, key = accounts_of(self.group), text.split()[0]
        try:
            return account_of(key, accounts, server)
        except Ambiguous as error:
            raise Refused(f"{error} Choose one of the list.") from error
        except Account.DoesNotExist as error:
            if self._is_exact:
                at = f" at server {server}" if server else ""
                raise Refused(f"No account fits “{text}”{at}.") from error
        parts = Q(number__contains=text) | Q(holder__icontains=text) | Q(name__icontains=text)
        found = list(accounts.filter(parts | Q(firm__name__icontains=text))[:2])
        if len(found) == 1:
            return found[0]
        where = f" in the VS group {self.group}" if self.group else ""
        if found:
            raise Refused(f"More than one account{where} fits “{text}”. Write its number.")
        raise Refused(f"No account{where} fits “{text}”.")

    # --- symbols --------------------------------------------------------------------------------
    def clean_symbol_a(self) -> str:
        return self._symbol("a")

    def clean_symbol_b(self) -> str:
        return self._symbol("b")

    def _symbol(self, role: str) -> str:
        """Spaces around it count where an account holds or traded a symbol of that very name."""
        typed = self.cleaned_data[f"symbol_{role}"]
        symbol = typed.strip()
        if typed != symbol and typed in symbols.of_fleet():
            symbol = typed
        if not symbol_name.is_name(symbol):
            raise ValidationError(f"Name the symbol of account {role.upper()}, as its broker does.")
        return str(symbol)

    # --- times ----------------------------------------------------------------------------------
    def clean_freeze_at(self) -> datetime | None:
        return self._time("freeze_at")

    def clean_transfer_at(self) -> datetime | None:
        freeze, transfer = self.cleaned_data.get("freeze_at"), self._time("transfer_at")
        if freeze and transfer and transfer <= freeze:
            raise ValidationError("It is frozen first and transferred later.")
        return transfer

    def _time(self, name: str) -> datetime | None:
        """None also where the zone is not known, which is the error then."""
        here = self.cleaned_data.get("zone")
        if here is None:
            return None
        with refusals():
            at = zones.read(self.cleaned_data[name], here, TIMES[name])
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
