"""No secret reaches a log: what looks like one is blotted out, whoever wrote it.

Anybody may have a line written, as long as a path may be, and nothing else runs in this process
while one is looked at: nothing here may take longer than in proportion to it.
"""

import logging
import re
from functools import cache

from django.conf import settings

BLOT = "…"
SHORTEST = 8  # a key that is shorter would blot out words
_NAMES = (
    r"password|passwd|pwd|secret|secrets|secrets?[_-]keys?|token|tokens|api[_-]?keys?|private[_-]?key"
    r"|cookie|session(?==)|sessionid|signature"
)
# In quotes to the closing one, else up to what ends it.
_VALUE = r"(?:\\?\"[^\"]+\"|'[^']+'|[^\s\"'&;)}\]]+)"
# A sentence may go on after a colon, as in "the agent's secret: set it". A whole word of these is
# no value, for none can be a secret of ours; all else that stands there is taken for one.
_PROSE = (
    r"(?<=:\s)(?:an?|empty|expired|false|invalid|is|it|missing|must|never|no|none|not|null|required"
    r"|set|sign|the|too|true|unknown|unset|wrong)(?=[.,;!?)}\]]*(?:\s|$))"
)
_KINDS = r"(?:authentication|authorization|credentials|required|expected)(?![\w.~+/=-])"
_WORD = re.compile(r"[^\s\"']+")
_LOOKS = [
    (re.compile(r"-----BEGIN [A-Z ]+-----.*?(?:-----END [A-Z ]+-----|$)", re.DOTALL), BLOT),
    (re.compile(r"mt5m_[\w-]{6,}"), f"mt5m_{BLOT}"),
    (
        re.compile(
            r"\b(bearer|basic|authorization[\"']?\s*[:=]\s*\w+)\s+"
            rf"(?!{_KINDS})[\w.~+/=-]{{8,}}",
            re.IGNORECASE,
        ),
        rf"\1 {BLOT}",
    ),
    (
        # name=value, "name": "value", ("name", "value"), bytes and escaped quotes among them
        re.compile(
            rf"({_NAMES})(\\?[\"']?\s*(?:[:=]|(?<=[\"']),)\s*(?:b(?=['\"]))?)(?!{_PROSE}){_VALUE}",
            re.IGNORECASE,
        ),
        rf"\1\2{BLOT}",
    ),
]


def redacted(text: str) -> str:
    for key in _own():
        text = text.replace(key, BLOT)
    text = _WORD.sub(_without_password, text)
    for look, instead in _LOOKS:
        text = look.sub(instead, text)
    return text


def _without_password(word: re.Match[str]) -> str:
    """Of an address, such as redis://:secret@host."""
    scheme, mark, rest = word[0].partition("://")
    _, at, host = rest.rpartition("@")
    return f"{scheme}{mark}{BLOT}{at}{host}" if at else word[0]


@cache
def _own() -> tuple[str, ...]:
    """The keys of this installation, by value."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS, *settings.AGENT_SECRETS_KEYS]
    return tuple(key for key in keys if len(key) >= SHORTEST)


class Redacting(logging.Formatter):
    """Tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))
