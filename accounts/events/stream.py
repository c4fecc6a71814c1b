"""The stream in Valkey that all events for programs go through, and so their one order.

    commit -> write() -> XADD -> each web process reads it once -> sockets, server-sent events

Events are numbered (`seq`) without a gap, by Valkey itself. The numbers mean something within an
`epoch` only: a new one begins when something may have been lost (Valkey was restarted, an event
could not be written, nobody had listened for a while), and then programs read anew what they show.

An account is told by what differs from what was told of it last, which Valkey knows too. Nothing is
written, nor read from the database, unless somebody listened within EVENTS_OPEN_S.
"""

import os
import secrets
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final

import msgspec
from django.conf import settings

from mt5monitor.valkey import ERRORS as ERRORS
from mt5monitor.valkey import connect

PREFIX = "mt5monitor:events:"
META, STREAM, TOLD, OPEN = (PREFIX + name for name in ("meta", "stream", "told", "open"))
AT_ONCE = 100  # accounts in one command: Valkey does nothing else meanwhile

# A server that was started anew may have an older state of all this, so its run counts as well.
_RUN = """
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local is_open = redis.call('EXISTS', KEYS[4]) == 1 and redis.call('HGET', KEYS[1], 'run') == run
"""
_BEGIN = """
    local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
    redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'run', run)
    redis.call('DEL', KEYS[2])
    redis.call('XADD', KEYS[2], seq .. '-0', 'epoch', ARGV[1])
"""
_LISTEN = f"""{_RUN}
if not is_open then {_BEGIN} end
redis.call('SET', KEYS[4], '1', 'EX', ARGV[2])
return redis.call('HMGET', KEYS[1], 'epoch', 'seq')
"""
_BREAK_OFF = f"""{_RUN}
if is_open then {_BEGIN} end
"""
# `old` is when an account was read and the JSON of its fields, as last told. A row that was read
# before the one that was told last is old news; but a clock that was set must not end all news.
_CHANGES = """
local function changes(item)
    local told = redis.call('HGET', KEYS[3], item.key)
    local old = told and cjson.decode(told) or {}
    local late = old[1] and tonumber(old[1]) - tonumber(item.at) or 0
    if late > 0 and late < 2 then return nil end
    local parts, now, known = {}, {item.at}, #old == #item.names + 1
    local differs = false
    for i, name in ipairs(item.names) do
        now[i + 1] = item.values[i]
        if not known or old[i + 1] ~= item.values[i] then
            parts[#parts + 1] = '"' .. name .. '":' .. item.values[i]
            differs = differs or i > item.along
        end
    end
    redis.call('HSET', KEYS[3], item.key, cjson.encode(now))
    return differs and table.concat(parts, ',') or ''
end
"""
_WRITE = f"""{_RUN}
if not is_open and ARGV[2] ~= 'prime' then return 0 end
{_CHANGES}
for _, item in ipairs(cjson.decode(ARGV[3])) do
    local body = item.body
    local changed = item.key and changes(item)
    if item.key and body then
        if not changed or (changed == '' and not item.data) then
            body = nil
        elseif item.data then
            body = body .. ',"data":{{' .. changed .. '}}'
        end
    end
    if body and ARGV[2] ~= 'prime' then
        local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
        redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], seq .. '-0',
            'kind', item.kind, 'accounts', item.accounts, 'body', body)
    end
end
return 1
"""
KEYS: Final = (META, STREAM, TOLD, OPEN)


class Item(msgspec.Struct, kw_only=True):
    """One event to be. `accounts`: numbers with commas; `body`: members of a JSON object.

    With a `key` it is told what of `names` differs from what was told of that key before: as
    `data`, or else only whether there is anything to tell. The first `along` of them are told
    along with others, and never alone. `at`: unix seconds, when it began to be read.
    """

    kind: str
    accounts: str
    body: str
    key: str = ""
    at: str = ""
    names: list[str] = []
    values: list[str] = []
    along: int = 0
    data: bool = False


@lru_cache
def _valkey(url: str, pid: int) -> Any:
    # By process: a connection must not cross a fork.
    return connect(url, settings.VALKEY_HURRIED_S)


def _connection() -> Any:
    return _valkey(settings.REDIS_URL, os.getpid())


def is_listened_to() -> bool:
    """Asked anew for each commit: who begins to listen misses nothing from then on.
    Raises ERRORS."""
    return bool(_connection().exists(OPEN))


def write(items: Sequence[Item], *, only_prime: bool = False) -> None:
    """Appends them. `only_prime`: notes what would be told and tells nothing. Raises ERRORS."""
    mode = "prime" if only_prime else ""
    for start in range(0, len(items), AT_ONCE):
        packed = msgspec.json.encode([_plain(item) for item in items[start : start + AT_ONCE]])
        _connection().eval(_WRITE, len(KEYS), *KEYS, settings.EVENTS_KEPT, mode, packed)


def _plain(item: Item) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(item)
    return plain if item.key else {name: plain[name] for name in ("kind", "accounts", "body")}


def break_off() -> None:
    """Begins a new epoch, if anybody listens. Raises ERRORS."""
    _connection().eval(_BREAK_OFF, len(KEYS), *KEYS, new_epoch())


async def listen(valkey: Any) -> tuple[str, int]:
    """Says that somebody listens, for EVENTS_OPEN_S; the epoch and the last seq. Raises ERRORS."""
    epoch, seq = await valkey.eval(_LISTEN, len(KEYS), *KEYS, new_epoch(), settings.EVENTS_OPEN_S)
    return epoch.decode(), int(seq)


def new_epoch() -> str:
    return secrets.token_hex(8)
