"""The specification of a symbol and its quote, as the agent of an account tells them now, with its
tick as far as it is known."""

from accounts.agents import AgentError, SymbolSpec
from accounts.models import Account
from trading import ticks, wire
from trading.sizing import Refused

NAME_LENGTH = 32


def fresh(account: Account, symbol: str) -> SymbolSpec:
    """Raises Refused, with the agent's reason, when it cannot be had."""
    agent = account.agent
    if agent is None:
        raise Refused("No agent reports this account, so nothing can be sent to it.")
    if not symbol or len(symbol) > NAME_LENGTH or not symbol.isprintable():
        raise Refused("Name a symbol, spelled as at the broker: EURUSD is not EURUSD.pro.")
    try:
        spec = wire.symbol(agent.endpoint(), symbol)
    except AgentError as error:
        raise Refused(error.sentence) from error
    except TimeoutError as error:
        raise Refused("The agent did not answer in time. Try again.") from error
    return ticks.checked(account, spec)
