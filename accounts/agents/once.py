"""One trade: written once at most, and a verdict that never promises more than was proven.

Until the request begins to be written, whatever fails proves that nothing was sent: NotSent. From
then on the outcome is unknown, unless the agent's answer proves another: what an answer proves is
for trade1.py and trade2.py to say.
"""

from __future__ import annotations

import asyncio
import logging
import re
from datetime import UTC, datetime
from types import ModuleType

from accounts.agents import trade1, trade2
from accounts.agents.call import Answer, Call
from accounts.agents.errors import AgentError, Expired, NotSent
from accounts.agents.pool import Dial
from accounts.agents.readings import Endpoint
from accounts.agents.symbols import SymbolSpec
from accounts.agents.trades import Asked, TradeAnswer, TradeRequest, unknown

log = logging.getLogger(__name__)

CONTRACTS: dict[str, ModuleType] = {"1": trade1, "2": trade2}
OURS = "The monitor failed while it {did}; its log says why."
_TAG = re.compile(r"[A-Za-z0-9]{1,26}")
_MOST = 2**63 - 1


class Expiry:
    """The moment after which a trade may not be sent, on the wall clock and, so that turning that
    back gives no more time, on the loop's. Raise NotSent for a moment without a zone."""

    def __init__(self, at: datetime) -> None:
        if at.utcoffset() is None:
            raise NotSent("The time until which it may be sent has no zone. Nothing was sent.")
        self._at = at
        self._until = asyncio.get_running_loop().time() + self._on_the_wall()

    def left(self) -> float:
        """Seconds; Expired is raised when there are none."""
        left = min(self._on_the_wall(), self._until - asyncio.get_running_loop().time())
        if left <= 0:
            raise Expired("The time in which it could be sent has passed.")
        return left

    def check(self) -> None:
        self.left()

    def _on_the_wall(self) -> float:
        return (self._at - datetime.now(UTC)).total_seconds()


async def trade(
    call: Call, endpoint: Endpoint, request: TradeRequest, spec: SymbolSpec | None, expiry: Expiry
) -> TradeAnswer:
    """Raise NotSent when it is proven that the request does nothing, and nothing else."""
    dial = Dial(admit=expiry.check)
    try:
        check(request)
        asked: Asked = CONTRACTS[endpoint.contract].asked(call.base, endpoint, request, spec)
        seconds = min(call.limits.connect_timeout, expiry.left())
        answer = await call.send_once(
            asked.method, asked.path, asked.headers, asked.body, dial, seconds
        )
    except AgentError as error:
        return _failed(error, dial)
    except Exception:
        log.exception("trade %s on %s", request.tag, endpoint.name)
        did = "waited for the answer" if dial.written else "prepared the request"
        return _failed(AgentError(OURS.format(did=did)), dial)
    return _judged(asked, answer, f"{request.tag} on {endpoint.name}")


def check(request: TradeRequest) -> None:
    """Raise NotSent for a request that no agent could take. The order was checked before; this
    keeps a mistake of ours from becoming an unknown outcome."""
    amounts = [value for value in (request.volume, request.sl, request.tp) if value is not None]
    opens = request.kind == "open"
    fits = (
        _TAG.fullmatch(request.tag)
        and 0 < request.magic <= _MOST
        and 0 < request.expected_login <= _MOST
        and request.symbol
        and all(value.is_finite() and 0 < value < 10**11 for value in amounts)
        and request.deviation >= 0
        and request.side in (("BUY", "SELL") if opens else ("BUY", "SELL", None))
        and (request.volume is not None if opens else 0 < (request.position or 0) <= _MOST)
        and not (opens and request.position is not None)
        and not (request.kind == "modify" and request.volume is not None)
        and not (request.kind == "close" and (request.sl or request.tp))
    )
    if not fits:
        raise NotSent("The order is not complete, or holds what its kind cannot have.")


def _failed(error: AgentError, dial: Dial) -> TradeAnswer:
    if isinstance(error, NotSent):
        raise error
    if not dial.written:
        raise NotSent(f"{error.sentence} Nothing was sent.", error) from error
    return unknown(error.sentence, dial.heard)


def _judged(asked: Asked, answer: Answer, what: str) -> TradeAnswer:
    try:
        return asked.judge(answer)
    except NotSent:
        raise
    except AgentError as error:
        return unknown(error.sentence, answer.body)
    except Exception:
        log.exception("the answer to trade %s", what)
        return unknown(OURS.format(did="read the answer"), answer.body)
