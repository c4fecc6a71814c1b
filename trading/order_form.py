"""What somebody typed to open, close or modify, checked against what the broker says now.

Nothing is placed here. `errors` has a sentence for each field that cannot stay as it is.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import partial
from typing import TypeVar, cast

from accounts.agents import SymbolSpec
from accounts.models import Account, Position
from mt5monitor.text import clean
from trading import margin, numbers, quotes, sizing, stops, ticks
from trading.orders import Instruction
from trading.sizing import Refused
from trading.stops import Exposed, Stop

T = TypeVar("T")
REASON_LENGTH = 300
UNREAD = "could not be read, so whether it is open is not known. Look at the terminal."


class Ticket:
    """`spec` is read anew by `check`; None when the agent could not tell it."""

    opening = False

    def __init__(self, account: Account, data: Mapping[str, str]) -> None:
        self.account, self.data = account, data
        self.errors: dict[str, str] = {}
        self.spec: SymbolSpec | None = None
        self.of: Exposed | None = None
        self.volume: Decimal | None = None
        self.levels: dict[str, Decimal | None] = {"sl": None, "tp": None}

    def text(self, name: str) -> str:
        return self.data.get(name, "").strip()

    def attempt(self, field: str, act: Callable[[], T]) -> T | None:
        try:
            return act()
        except Refused as refused:
            self.errors.setdefault(field, str(refused))
            return None

    @property
    def stops(self) -> list[Stop]:
        """The levels that are set, each in all units."""
        of = self.of
        if of is None:
            return []
        return [stops.shown(name, at, of) for name, at in self.levels.items() if at is not None]

    @property
    def tick_note(self) -> str:
        """What to know of money here, where it is assumed or cannot be told; empty for nothing."""
        spec = self.spec
        return "" if spec is None else ticks.warning_of(spec) or ticks.refusal_of(spec)

    def read_levels(self, of: Exposed) -> None:
        for name in self.levels:
            self.levels[name] = self.attempt(name, partial(self._level, name, of))

    def _level(self, name: str, of: Exposed) -> Decimal | None:
        unit = self.text(f"{name}_unit") or "price"
        at = stops.level(name, self.text(name), unit, of, opening=self.opening)
        if at is not None:
            sl, tp = (at, None) if name == "sl" else (None, at)
            sizing.check_stops(of.side, sl, tp, of.spec)
        return at


class OpenTicket(Ticket):
    opening = True

    @property
    def side(self) -> str:
        return self.text("side")

    @property
    def symbol(self) -> str:
        """As the broker spells it; as it was typed where the broker did not say."""
        return self.spec.symbol if self.spec else self.text("symbol")

    def check(self) -> Instruction | None:
        """The instruction as it would be placed; None when something is wrong."""
        typed = self.data.get("symbol", "")
        self.spec = self.attempt("symbol", lambda: quotes.named(self.account, typed))
        if self.side not in (sizing.BUY, sizing.SELL):
            self.errors.setdefault("side", "Choose to buy or to sell.")
        elif self._may_be_opposite():
            self.errors["side"] = (
                "This account holds one position a symbol, and one of those open could not be "
                "read. Look at its terminal first."
            )
        elif opposite := self._opposite():
            self.errors["side"] = (
                f"This account holds one position a symbol: close your {opposite} first, "
                "in part or all of it."
            )
        self.volume = self.attempt("volume", self._volume)
        if self.spec is not None and "side" not in self.errors:
            self._check_stops(self.spec)
        if self.errors:
            return None
        sl, tp = self.levels["sl"], self.levels["tp"]
        return Instruction("open", self.symbol, self.side, self.volume, sl, tp)

    def _volume(self) -> Decimal:
        volume = numbers.positive(self.text("volume"), "Volume")
        if volume is None:
            raise Refused("Say how many lots.")
        if self.spec is None:
            return volume
        if self.spec.volume_limit is not None:
            alike = self.account.positions.filter(symbol=self.symbol, side=self.side)
            held = sum(alike.values_list("volume", flat=True), Decimal(0))
            sizing.check_volume_limit(volume, held, self.spec)
        return sizing.check_volume(volume, self.spec)

    def _check_stops(self, spec: SymbolSpec) -> None:
        price = self.attempt("symbol", lambda: self._entry(spec))
        if price is None:
            return
        # Without a volume a level in money means nothing, and its field says so.
        self.of = Exposed(self.side, self.volume or Decimal(0), price, spec)
        if self.volume:
            self.read_levels(self.of)

    def _entry(self, spec: SymbolSpec) -> Decimal:
        sizing.check_side(self.side, spec)
        return sizing.entry(self.side, spec)

    @property
    def margin(self) -> Decimal | None:
        if not self.of or not self.volume:
            return None
        return margin.estimate(self.account, self.of.spec, self.side, self.volume, self.of.opened)

    def _may_be_opposite(self) -> bool:
        """On a netting account: whether a position of this symbol is open that cannot be read."""
        symbols = {one.symbol for one in self.account.unreadable}
        netting = self.account.margin_mode == Account.MarginMode.NETTING
        return netting and bool(symbols & {"", self.symbol})

    def _opposite(self) -> Position | None:
        """On a netting account: the position that this trade would reduce or turn round."""
        if self.account.margin_mode != Account.MarginMode.NETTING:
            return None
        held = self.account.positions.filter(symbol=self.symbol)
        return held.exclude(side=self.side).first()


class PositionTicket(Ticket):
    no_quote = ""

    def __init__(self, position: Position, data: Mapping[str, str]) -> None:
        super().__init__(position.account, data)
        self.position = position

    def look(self) -> None:
        """The quote, for those who decide by it; nothing is wrong when there is none."""
        quote = Ticket(self.account, {})
        self.spec = quote.attempt("quote", lambda: quotes.fresh(self.account, self.position.symbol))
        self.no_quote = quote.errors.get("quote", "")
        if self.spec:
            held = self.position
            self.of = Exposed(held.side, held.volume, held.open_price, self.spec)

    @property
    def result(self) -> Stop | None:
        """What closing it now would bring, by the quote."""
        if not self.of:
            return None
        spec = self.of.spec
        price = Ticket(self.account, {}).attempt(
            "quote", lambda: sizing.leave(self.position.side, spec)
        )
        volume = self.volume or self.position.volume
        of = Exposed(self.of.side, volume, self.of.opened, spec)
        return None if price is None else stops.shown("tp", price, of)

    @property
    def market(self) -> Decimal | None:
        """Where it would close now; stops are measured from there."""
        return self.result.price if self.result else None

    @property
    def shown(self) -> dict[str, str]:
        """What the fields of the levels show: what was typed, else what the position has."""
        has = {"sl": self.position.sl, "tp": self.position.tp}
        return {
            name: self.data[name] if name in self.data else _typed(price)
            for name, price in has.items()
        }


class CloseTicket(PositionTicket):
    """An empty volume closes all of it, which needs no quote."""

    def check(self) -> Instruction | None:
        self.volume = self.attempt("volume", self._volume)
        held = self.position
        reason = clean(self.text("override_reason"), REASON_LENGTH)
        if self.errors:
            return None
        return Instruction(
            "close",
            held.symbol,
            held.side,
            self.volume,
            position=held.ticket,
            override_reason=reason,
        )

    def _volume(self) -> Decimal | None:
        volume, held = numbers.positive(self.text("volume"), "Volume"), self.position
        if volume is None or volume == held.volume:
            return None
        if volume > held.volume:
            raise Refused(f"The position has {held.volume.normalize():f} lots.")
        self.spec = self.spec or quotes.fresh(self.account, held.symbol)
        sizing.check_volume(volume, self.spec)
        least, rest = self.spec.volume_min, held.volume - volume
        if least is not None and rest < least:
            raise Refused(
                f"{rest.normalize():f} lots would be left, less than {least.normalize():f}: "
                "close all of it, or less."
            )
        return volume

    @property
    def half(self) -> Decimal | None:
        """A first proposal for a part; None where it cannot be halved."""
        step = self.spec.volume_step if self.spec else None
        if self.spec is None or not step:
            return None
        least = self.spec.volume_min or step
        first = Ticket(self.account, {}).attempt(
            "volume", lambda: sizing.halves(self.position.volume, step, least)
        )
        return first[1] if first else None


class ModifyTicket(PositionTicket):
    def check(self) -> Instruction | None:
        held = self.position
        self.spec = self.attempt("quote", lambda: quotes.fresh(self.account, held.symbol))
        if self.spec is None:
            return None
        self.of = Exposed(held.side, held.volume, held.open_price, self.spec)
        if self.text("breakeven"):
            self._break_even(self.of)
        else:
            self.read_levels(self.of)
        sl, tp = self.levels["sl"], self.levels["tp"]
        if not self.errors and (sl, tp) == (held.sl, held.tp):
            self.errors["sl"] = "These are the levels that the position has."
        if self.errors:
            return None
        return Instruction("modify", held.symbol, held.side, sl=sl, tp=tp, position=held.ticket)

    def _level(self, name: str, of: Exposed) -> Decimal | None:
        """One that stays as it is is not checked: the market may have come close to it, and it must
        not keep the other one from being moved."""
        has = getattr(self.position, name)
        if has is not None and self._in_price(name) and self._is(name, has):
            return cast(Decimal, has)
        return super()._level(name, of)

    def _is(self, name: str, has: Decimal) -> bool:
        """Whether the field holds the level that the position has, in whatever decimals."""
        return numbers.read(self.text(name), stops.NAMES[name]) == has

    def _in_price(self, name: str) -> bool:
        return self.text(f"{name}_unit") in ("", "price")

    def _break_even(self, of: Exposed) -> None:
        """The stop-loss where the position opened; the take-profit stays."""
        at = sizing.on_tick(of.opened, of.spec)
        self.levels = {"sl": at, "tp": self.position.tp}
        self.attempt("sl", lambda: sizing.check_stops(of.side, at, None, of.spec))


def _typed(price: Decimal | None) -> str:
    return "" if price is None else f"{price.normalize():f}"
