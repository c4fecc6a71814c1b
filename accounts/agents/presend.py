"""The messages of contract 1 that prove a refusal: those of the checks before anything is sent.

A message proves it when it says one of a few known things and nothing else: every word of it must
be one that such a message is made of, a number, or the symbol that was asked for. "Symbol EURUSD
not found" proves it; "Order failed: symbol EURUSD not found" may come from after the sending.
"""

from __future__ import annotations

import re
from typing import Literal

from accounts.agents.trades import TradeRequest
from mt5monitor.text import clean

LONGEST = 200
_TEXT = """
    a above account allowed an and ask at autotrading available balance be below bid buy close
    current distance equity for found free from have in initialised initialized insufficient invalid
    is least level levels lot lots loss margin market max maximum metatrader metatrader5 min
    minimum most mt5 must need needed needs not of on open or order pip pips point points
    position price profit required requires sell size sl stop stoploss stops symbol takeprofit
    take terminal than the this ticket to too tp trade trading type use volume was with you your
    aud cad chf eur gbp jpy nzd usd
"""
WORDS = frozenset(_TEXT.split())
ALWAYS = (
    r"symbol (?:the |S )?(?:is |was )?not found",
    r"symbol (?:S )?(?:is )?not allowed",
    r"trad(?:ing|e) (?:is )?not allowed",
    r"(?:lot|lots|volume|size|N) (?:is )?below (?:the )?(?:minimum|min)",
    r"(?:lot|lots|volume|size|N) (?:is )?above (?:the )?(?:maximum|max)",
    r"(?:sl|tp|loss|stoploss|profit|takeprofit|stops?|levels?|distance|N) (?:is )?too close",
    r"insufficient (?:free )?margin",
    r"(?:mt5|metatrader5?|terminal) (?:is )?not initiali[sz]ed",
    r"invalid order type",
)
OF_A_POSITION = (
    r"(?:position|ticket) (?:with )?(?:ticket )?(?:P )?(?:is |was )?not found",
    r"not found position P",
)
_OF_SYMBOL = "\0"  # no clean text holds it
_STRIPPED = re.compile(r"[,;:()\"'!?=<>|\[\]$]+")
_FIGURE = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,10})?%?")
_ALWAYS = re.compile(rf"\b(?:{'|'.join(ALWAYS)})\b")
_OF_A_POSITION = re.compile(rf"\b(?:{'|'.join(OF_A_POSITION)})\b")


def proves_nothing_sent(detail: str, request: TradeRequest) -> bool:
    return _proof(detail, request) != ""


def misses_position(detail: str, request: TradeRequest) -> bool:
    """Whether it says that the agent did not find the position to close or to modify."""
    return _proof(detail, request) == "position"


def _proof(detail: str, request: TradeRequest) -> Literal["", "check", "position"]:
    """Which check refused the request: of its position, or another; empty when that is unknown."""
    if not 0 < len(detail) <= LONGEST or clean(detail, LONGEST) != " ".join(detail.split()):
        return ""
    words = [_reduced(word, request) for word in _words(detail, request)]
    if not all(words):
        return ""
    text = " ".join(words)
    proof: Literal["check", "position"] = "check"
    rest, found = _ALWAYS.subn(" ", text, count=1)
    # After an open was sent, an agent may look for its position. Another number is another ticket.
    if not found and request.kind != "open" and "N" not in words:
        rest, found = _OF_A_POSITION.subn(" ", text, count=1)
        proof = "position"
    # A second "not" turns the first into something else.
    return proof if found == 1 and "not" not in rest.split() else ""


def _words(detail: str, request: TradeRequest) -> list[str]:
    """ "SL/TP" is two words, unless a symbol is written so."""
    words: list[str] = []
    if request.symbol and not request.symbol.isalnum():  # it may hold what words are divided by
        detail = re.sub(rf"(?<!\w){re.escape(request.symbol)}(?!\w)", f" {_OF_SYMBOL} ", detail)
    for word in _STRIPPED.sub(" ", detail).split():
        words += [word] if word == request.symbol else word.split("/")
    return words


def _reduced(word: str, request: TradeRequest) -> str:
    """S for the symbol, P for the position, N for another figure, a word of WORDS; else empty."""
    bare = word if word == request.symbol else word.rstrip(".").lstrip("#")
    if bare in (request.symbol, _OF_SYMBOL):
        return "S"
    if request.position is not None and bare == str(request.position):
        return "P"
    if _FIGURE.fullmatch(bare):
        return "N"
    lowered = bare.replace("-", "").lower()
    return lowered if lowered in WORDS else ""
