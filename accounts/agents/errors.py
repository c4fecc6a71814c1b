"""What can go wrong between us and an agent, each with a name that never changes.

    AgentError
      + Unreachable            offline       nothing answers at the address
      |   + ConnectionRefused
      |   + NameNotResolved
      |   + NetworkUnreachable
      |   + ConnectionLost
      + TimedOut               timeout       something is there and is too slow
      |   + ConnectTimedOut
      |   + ReadTimedOut
      |   + DeadlinePassed
      |   + PoolTimedOut
      + BadAnswer              error         it answered, and the answer cannot be used
      |   + NotJson
      |   + TooLarge
      |   + Malformed
      |   + Redirected
      |   + RefusedRequest
      |   + BadCertificate
      |   + BadSignature
      |   + UnexpectedEncoding
      |   + SymbolUnknown
      + AddressNotAllowed      error         we refuse to talk to that address
      + SecretMissing          error         contract 2 without its secret: nothing was sent
      + TerminalDisconnected   disconnected  the agent answers, its MT5 terminal is not logged in
      + Expired                error         the time in which a trade may be sent has passed
      + NotSent                error         proven: no part of a trade was or will be executed

`code` and `status` are stored and filtered on: renaming one is a change of the data.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from mt5monitor.text import clean

Status = Literal["offline", "timeout", "error", "disconnected"]

SENTENCE_LENGTH = 300


class AgentError(Exception):
    """One call to one agent failed.

    `sentence` says in plain words what happened and what to do, in at most 300 characters,
    without control characters, whatever the agent put into it.
    """

    code: ClassVar[str] = "agent-error"
    status: ClassVar[Status] = "error"

    def __init__(self, sentence: str) -> None:
        self.sentence = clean(sentence, SENTENCE_LENGTH)
        super().__init__(self.sentence)


class Unreachable(AgentError):
    code = "unreachable"
    status = "offline"


class ConnectionRefused(Unreachable):
    code = "connection-refused"


class NameNotResolved(Unreachable):
    code = "name-not-resolved"


class NetworkUnreachable(Unreachable):
    code = "network-unreachable"


class ConnectionLost(Unreachable):
    code = "connection-lost"


class TimedOut(AgentError):
    code = "timed-out"
    status = "timeout"


class ConnectTimedOut(TimedOut):
    code = "connect-timed-out"


class ReadTimedOut(TimedOut):
    code = "read-timed-out"


class DeadlinePassed(TimedOut):
    code = "deadline-passed"


class PoolTimedOut(TimedOut):
    """No slot of ours came free in time. Says nothing about the agent, which was not asked."""

    code = "pool-timed-out"


class BadAnswer(AgentError):
    code = "bad-answer"


class NotJson(BadAnswer):
    code = "not-json"


class TooLarge(BadAnswer):
    code = "too-large"


class Malformed(BadAnswer):
    """JSON of the wrong shape. The sentence starts with the field: "balance: expected ..."."""

    code = "malformed"


class Redirected(BadAnswer):
    code = "redirected"


class RefusedRequest(BadAnswer):
    """The agent answered with an HTTP error. `http_status` is its number."""

    code = "refused-request"

    def __init__(self, sentence: str, http_status: int = 0, problem: str = "") -> None:
        super().__init__(sentence)
        self.http_status = http_status
        self.problem = clean(problem, 100)


class BadCertificate(BadAnswer):
    code = "bad-certificate"


class BadSignature(BadAnswer):
    code = "bad-signature"


class UnexpectedEncoding(BadAnswer):
    code = "unexpected-encoding"


class SymbolUnknown(BadAnswer):
    """The broker of that account has no symbol of that name."""

    code = "symbol-unknown"


class AddressNotAllowed(AgentError):
    code = "address-not-allowed"


class SecretMissing(AgentError):
    code = "secret-missing"


class TerminalDisconnected(AgentError):
    code = "terminal-disconnected"
    status = "disconnected"


class Expired(AgentError):
    code = "expired"


class NotSent(AgentError):
    """A trade that has not been executed and never will be by this request, which is proven.

    `cause` is why; None when there was not even an attempt.
    """

    code = "not-sent"

    def __init__(self, sentence: str, cause: AgentError | None = None) -> None:
        super().__init__(sentence)
        self.cause = cause
