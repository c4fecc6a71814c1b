"""What can be traded on the simulated market, and at which terms."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Symbol:
    """One instrument. `volatility` is the yearly deviation of the logarithm of its price.

    `dollar` says how one unit of the profit currency becomes US dollars: "1" (it is the dollar),
    "own" (divided by the instrument's own price, as USDJPY), or the name of another symbol whose
    price it is multiplied by. `lot_fee` is the commission in dollars for one lot and one side.
    `tick` is the smallest step of the price, one `point` of its digits unless `tick_size` says
    otherwise. `filling` is the mask of filling modes, 1 for FOK and 2 for IOC.
    """

    name: str
    description: str
    reference: float
    volatility: float
    digits: int
    spread: int
    contract_size: float
    base: str
    profit: str
    tick_size: float = 0.0
    volume_min: float = 0.01
    volume_max: float = 100.0
    volume_step: float = 0.01
    stops_level: int = 0
    dollar: str = "1"
    lot_fee: float = 0.0
    swap_long: float = 0.0
    swap_short: float = 0.0
    filling: int = 3
    freeze_level: int = 0
    point: float = field(init=False)
    tick: float = field(init=False)

    def __post_init__(self) -> None:
        # Fields, for the market asks for both at every step.
        object.__setattr__(self, "point", float(f"1e-{self.digits}"))
        object.__setattr__(self, "tick", self.tick_size or self.point)

    @property
    def pip(self) -> float:
        """Ten points where prices have a fractional pip (3 or 5 digits), else one point."""
        return self.point * 10 if self.digits in (3, 5) else self.point


SYMBOLS = (
    Symbol("EURUSD", "Euro vs US Dollar", 1.0850, 0.08, 5, 8, 100_000, "EUR", "USD",
           lot_fee=3.5, swap_long=-7.1, swap_short=2.4),
    Symbol("GBPUSD", "Great Britain Pound vs US Dollar", 1.2710, 0.09, 5, 12, 100_000, "GBP", "USD",
           lot_fee=3.5, swap_long=-4.2, swap_short=-1.3),
    Symbol("USDJPY", "US Dollar vs Japanese Yen", 151.40, 0.10, 3, 10, 100_000, "USD", "JPY",
           dollar="own", lot_fee=3.5, swap_long=9.8, swap_short=-19.5),
    Symbol("USDCAD", "US Dollar vs Canadian Dollar", 1.3620, 0.07, 5, 14, 100_000, "USD", "CAD",
           dollar="own", lot_fee=3.5, swap_long=0.6, swap_short=-5.9),
    Symbol("AUDUSD", "Australian Dollar vs US Dollar", 0.6580, 0.10, 5, 11, 100_000, "AUD", "USD",
           lot_fee=3.5, swap_long=-2.9, swap_short=-0.4),
    Symbol("EURGBP", "Euro vs Great Britain Pound", 0.8540, 0.06, 5, 13, 100_000, "EUR", "GBP",
           dollar="GBPUSD", lot_fee=3.5, swap_long=-5.3, swap_short=1.1),
    Symbol("XAUUSD", "Gold vs US Dollar", 2385.00, 0.15, 2, 18, 100, "XAU", "USD",
           volume_max=50.0, stops_level=10, lot_fee=3.5, swap_long=-38.0, swap_short=19.0),
    Symbol("US30", "Wall Street 30 Index", 39450.0, 0.14, 1, 24, 1, "USD", "USD",
           volume_min=0.1, volume_max=250.0, volume_step=0.1, stops_level=20,
           swap_long=-7.6, swap_short=-1.0),
    Symbol("NAS100", "US Tech 100 Index", 18620.0, 0.20, 1, 15, 1, "USD", "USD",
           volume_min=0.1, volume_max=250.0, volume_step=0.1, stops_level=20,
           swap_long=-3.9, swap_short=-0.5),
    Symbol("GER40", "Germany 40 Index", 18210.0, 0.15, 1, 12, 1, "EUR", "EUR", tick_size=0.5,
           volume_min=0.1, volume_max=250.0, volume_step=0.1, stops_level=15, dollar="EURUSD",
           swap_long=-3.2, swap_short=-0.9),
    Symbol("BTCUSD", "Bitcoin vs US Dollar", 67250.0, 0.50, 2, 1500, 1, "BTC", "USD",
           volume_max=10.0, stops_level=100, swap_long=-33.0, swap_short=-12.0),
    Symbol("ETHUSD", "Ethereum vs US Dollar", 3480.0, 0.60, 2, 180, 10, "ETH", "USD",
           volume_max=50.0, stops_level=100, swap_long=-17.0, swap_short=-6.0),
)  # fmt: skip
# Listed as well, and traded by those alone who order it: no simulated trader does.
ON_REQUEST = (
    Symbol("US500", "US 500 Index", 5240.0, 0.13, 2, 50, 10, "USD", "USD", tick_size=0.25,
           volume_min=0.1, volume_max=250.0, volume_step=0.1, swap_long=-1.1, swap_short=-0.2),
)  # fmt: skip
BY_NAME = {symbol.name: symbol for symbol in (*SYMBOLS, *ON_REQUEST)}
