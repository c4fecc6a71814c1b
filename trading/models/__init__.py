"""What the desk does: orders, their journal, and what keeps them in bounds."""

from trading.models.event import OrderEvent
from trading.models.limit import TradeLimit
from trading.models.order import Order
from trading.models.switch import TradingSwitch
from trading.models.versus import Versus, VersusEvent

__all__ = ["Order", "OrderEvent", "TradeLimit", "TradingSwitch", "Versus", "VersusEvent"]
