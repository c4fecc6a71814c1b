"""Names that brokers give to symbols, or could: opaque text, no two of them the same."""

from random import Random

from agent.members import Member
from agent.simulated.market import Quote
from agent.simulated.symbols import Symbol

NAMES = (
    *("DOGE/USD", "/ES", "A/B/C", "../orders", "A\\B", ".", "..", "...", "-", "_", "~"),
    *("Volatility 75 Index", "Boom  1000", " EURUSD", "EURUSD ", "A ", " A", "A B", "A  B"),
    *("EURUSD.m", "US30.cash", "EURUSD.", "#AAPL", "BTC-USD", "EURUSD+", "EURUSD%", "%2F", "50%"),
    *("A?b=c", "A&B", "A&amp;B", "A=B", "A;B", "A,B", "A:B", "A#b", "A@B", "A^B", "A|B", "A*B"),
    *("'quoted'", '"quoted"', "<b>", "{{ 1 }}", "=cmd", "+1", "@SUM", "$HOME", "GOLD(mini)", "[X]"),
    *("eurusd", "EurUsd", "not", "ЕURUSD", "ЗОЛОТО", "ذهب", "₿", "金/USD", "N\u00da", "NU\u0301"),
    *("🚀USD", "👩\u200d🚀USD", "نفت\u200cخام", "A\u00a0B", "X" * 31),
)  # fmt: skip


def offer(member: Member) -> None:
    """At the broker of all simulated agents that share the market of this one."""
    quotes = member.terminal.account.market.quotes
    for name in NAMES:
        symbol = Symbol(name, "Odd", 1.085, 0.08, 5, 8, 100_000, "EUR", "USD")
        quotes[name] = Quote(symbol, Random(1))
