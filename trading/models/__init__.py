"""What the desk does: orders, their journal, what keeps them in bounds, and what is over."""

from trading.models.event import OrderEvent
from trading.models.history import ClosedTrade, Deal, EquityPoint, EquityWatch, HistorySync
from trading.models.limit import TradeLimit
from trading.models.order import Order
from trading.models.standing import StandingAcknowledgement
from trading.models.switch import TradingSwitch
from trading.models.versus import Versus, VersusEvent

__all__ = [
    "ClosedTrade",
    "Deal",
    "EquityPoint",
    "EquityWatch",
    "HistorySync",
    "Order",
    "OrderEvent",
    "StandingAcknowledgement",
    "TradeLimit",
    "TradingSwitch",
    "Versus",
    "VersusEvent",
]
