"""What can go wrong with a terminal.

TerminalError
├── TerminalUnavailable   no connection to the terminal program
├── TerminalTimeout       the terminal did not answer in time
├── AccountUnreadable     no account is logged in, or its figures cannot be read
├── PositionsUnreadable   the open positions cannot be read: unknown, which is not "none"
├── DealsUnreadable       the history cannot be read
├── SymbolUnknown         the broker has no such symbol
└── BrokerTimeUnknown     the distance between the broker's clock and UTC is not known yet
"""


class TerminalError(Exception):
    """`status` and `type` are how contract v2 reports it."""

    status = 503
    type = "terminal-error"
    title = "The terminal failed"


class TerminalUnavailable(TerminalError):
    type = "terminal-unavailable"
    title = "There is no connection to the terminal"


class TerminalTimeout(TerminalError):
    status = 504
    type = "terminal-timeout"
    title = "The terminal did not answer in time"


class AccountUnreadable(TerminalError):
    type = "account-unreadable"
    title = "The account cannot be read"


class PositionsUnreadable(TerminalError):
    type = "positions-unreadable"
    title = "The open positions cannot be read"


class DealsUnreadable(TerminalError):
    type = "deals-unreadable"
    title = "The history cannot be read"


class SymbolUnknown(TerminalError):
    status = 404
    type = "symbol-unknown"
    title = "The broker has no such symbol"


class BrokerTimeUnknown(TerminalError):
    type = "broker-time-unknown"
    title = "The broker's clock is not known yet: set --broker-utc-offset or --broker-time-zone"
