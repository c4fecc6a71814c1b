"""The numbers that the MetaTrader5 module gives to its constants (documented by MetaQuotes).

The agent uses these instead of the module's own attributes, so that reading a simulated terminal
needs no Windows package; `tests/agent` checks them against the surface of the real module.
"""

from typing import Final


class Constants:
    """Mixed into the simulated terminal, which must offer them as the real module does."""

    RES_S_OK: Final = 1
    RES_E_FAIL: Final = -1
    RES_E_INVALID_PARAMS: Final = -2
    RES_E_NOT_FOUND: Final = -4
    RES_E_INTERNAL_FAIL_CONNECT: Final = -10004
    RES_E_INTERNAL_FAIL_TIMEOUT: Final = -10005

    ACCOUNT_TRADE_MODE_DEMO: Final = 0
    ACCOUNT_TRADE_MODE_REAL: Final = 2
    ACCOUNT_MARGIN_MODE_RETAIL_NETTING: Final = 0
    ACCOUNT_MARGIN_MODE_EXCHANGE: Final = 1
    ACCOUNT_MARGIN_MODE_RETAIL_HEDGING: Final = 2

    POSITION_TYPE_BUY: Final = 0
    POSITION_TYPE_SELL: Final = 1
    POSITION_REASON_CLIENT: Final = 0

    DEAL_TYPE_BUY: Final = 0
    DEAL_TYPE_SELL: Final = 1
    DEAL_TYPE_BALANCE: Final = 2

    DEAL_ENTRY_IN: Final = 0
    DEAL_ENTRY_OUT: Final = 1
    DEAL_ENTRY_INOUT: Final = 2
    DEAL_ENTRY_OUT_BY: Final = 3

    DEAL_REASON_CLIENT: Final = 0
    DEAL_REASON_SL: Final = 4
    DEAL_REASON_TP: Final = 5

    SYMBOL_FILLING_FOK: Final = 1
    SYMBOL_FILLING_IOC: Final = 2
    SYMBOL_TRADE_MODE_DISABLED: Final = 0
    SYMBOL_TRADE_MODE_LONGONLY: Final = 1
    SYMBOL_TRADE_MODE_SHORTONLY: Final = 2
    SYMBOL_TRADE_MODE_CLOSEONLY: Final = 3
    SYMBOL_TRADE_MODE_FULL: Final = 4
    SYMBOL_TRADE_EXECUTION_MARKET: Final = 2

    TIMEFRAME_H1: Final = 16385

    TRADE_ACTION_DEAL: Final = 1
    TRADE_ACTION_SLTP: Final = 6
    ORDER_TYPE_BUY: Final = 0
    ORDER_TYPE_SELL: Final = 1
    ORDER_FILLING_FOK: Final = 0
    ORDER_FILLING_IOC: Final = 1
    ORDER_FILLING_RETURN: Final = 2
    ORDER_TIME_GTC: Final = 0
    ORDER_STATE_CANCELED: Final = 2
    ORDER_STATE_PARTIAL: Final = 3
    ORDER_STATE_FILLED: Final = 4
    ORDER_STATE_REJECTED: Final = 5
    ORDER_STATE_EXPIRED: Final = 6


MARGIN_MODES: Final = {0: "netting", 1: "netting", 2: "hedging"}
SIDES: Final = {0: "BUY", 1: "SELL"}
ENTRIES: Final = {0: "IN", 1: "OUT", 2: "INOUT", 3: "OUT_BY"}
DEAL_TYPES: Final = {
    0: "BUY",
    1: "SELL",
    2: "BALANCE",
    3: "CREDIT",
    4: "CHARGE",
    5: "CORRECTION",
    6: "BONUS",
    7: "COMMISSION",
    8: "COMMISSION_DAILY",
    9: "COMMISSION_MONTHLY",
    10: "COMMISSION_AGENT_DAILY",
    11: "COMMISSION_AGENT_MONTHLY",
    12: "INTEREST",
    13: "BUY_CANCELED",
    14: "SELL_CANCELED",
    15: "DIVIDEND",
    16: "DIVIDEND_FRANKED",
    17: "TAX",
}
REASONS: Final = {
    0: "CLIENT",
    1: "MOBILE",
    2: "WEB",
    3: "EXPERT",
    4: "SL",
    5: "TP",
    6: "SO",
    7: "ROLLOVER",
    8: "VMARGIN",
    9: "SPLIT",
    10: "CORPORATE_ACTION",
}
TRADE_MODES: Final = {0: "DISABLED", 1: "LONGONLY", 2: "SHORTONLY", 3: "CLOSEONLY", 4: "FULL"}
FILLING_FLAGS: Final = {1: "FOK", 2: "IOC", 4: "BOC"}


def name_of(names: dict[int, str], value: int) -> str:
    """The name of an enumerated value; a value of a newer terminal is given as its number."""
    return names.get(value, str(value))
