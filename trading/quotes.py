"""The specification of a symbol and its quote, as the agent of an account tells them now, with its
tick as far as it is known."""

from accounts.agents import AgentError, SymbolSpec, SymbolUnknown, symbol_name
from accounts.models import Account
from trading import ticks, wire
from trading.sizing import Refused


class NoSuchSymbol(Refused):
    """The broker of the account has no symbol of that name."""


def fresh(account: Account, symbol: str) -> SymbolSpec:
    """`symbol` is spelled as at the broker, to the last space. Raises Refused, with the agent's
    reason, when it cannot be had."""
    agent = account.agent
    if agent is None:
        raise Refused("No agent reports this account, so nothing can be sent to it.")
    if symbol.isspace() or not symbol_name.is_name(symbol):
        raise Refused("Name a symbol, spelled as at the broker: EURUSD is not EURUSD.pro.")
    try:
        spec = wire.symbol(agent.endpoint(), symbol)
    except SymbolUnknown as error:
        raise NoSuchSymbol(error.sentence) from error
    except AgentError as error:
        raise Refused(error.sentence) from error
    except TimeoutError as error:
        raise Refused("The agent did not answer in time. Try again.") from error
    return ticks.checked(account, spec)


def named(account: Account, typed: str) -> SymbolSpec:
    """The symbol that somebody typed: spaces around it count where the broker's name has them, and
    else came from a keyboard. Raises Refused as `fresh` does."""
    bare = typed.strip()
    if typed == bare or not bare:
        return fresh(account, bare)
    try:
        return fresh(account, typed)
    except NoSuchSymbol:
        return fresh(account, bare)
