"""The stream in Valkey through which everything is published, in one order.

    commit -> Publisher -> write() -> XADD -> each web process reads it once -> pages, API clients

Entries are numbered (`seq`) without a gap, by Valkey itself. The numbers mean something within an
`epoch` only: a new one begins when something may have been lost (Valkey was restarted, or an entry
could not be written), and then pages and API clients read everything again.

An account's event carries the fields that differ from its last one, which Valkey remembers. Rows
of pages are kept beside the stream, for a moment, and signed: they are HTML with buttons, which
pages show as they come. For each of the two audiences nothing is written, rendered, or read from
the database, unless somebody listened within EVENTS_OPEN_S.
"""

import os
import secrets
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec
from django.conf import settings

from accounts.live.message import Rows, packed
from mt5monitor.valkey import ERRORS as ERRORS
from mt5monitor.valkey import connect

PREFIX = "mt5monitor:events:"
META, STREAM, KNOWN, CLIENTS, PAGES, PRIMING = (
    PREFIX + name for name in ("meta", "stream", "told", "open", "pages", "priming")
)
"""CLIENTS and PAGES are there while such an audience listens, PRIMING while all is primed for
clients: what is published meanwhile counts, or they would never learn that it changed back."""
ROWS = PREFIX + "rows:"
ROWS_KEPT_S = 15  # a process that reads later has its pages read again
AT_ONCE = 100  # accounts in one command: Valkey does nothing else meanwhile

# A server that was restarted may have an older state of all this, so its run counts as well.
_RUN = """
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local is_current = redis.call('HGET', KEYS[1], 'run') == run
local function clock()
    local time = redis.call('TIME')
    return time[1] .. '.' .. string.format('%06d', time[2])
end
"""
# An epoch begins at the milliseconds of now: higher than any before, though all of it was deleted,
# for readers wait for numbers above the last. What API clients had is not known across it, so their
# next event of an account carries all fields; before the first of them listens, all is primed.
_BEGIN = """
    local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
    seq = math.max(seq, redis.call('TIME')[1] * 1000)
    redis.call('HSET', KEYS[1], 'seq', seq, 'epoch', ARGV[1], 'run', run, 'begun', clock())
    redis.call('DEL', KEYS[2])
    if redis.call('EXISTS', KEYS[4]) == 1 then redis.call('DEL', KEYS[3]) end
    redis.call('XADD', KEYS[2], seq .. '-0', 'epoch', ARGV[1])
"""
# `since`: what was published after it was written for this audience. One that lapsed has missed
# changes, and no number says so; it gets a number that no mark of before reaches, and the other
# audience notices nothing. Before API clients listen, all must be primed.
_LISTEN = f"""{_RUN}
local audience, since = KEYS[tonumber(ARGV[3])], KEYS[tonumber(ARGV[3])] .. ':since'
local heard = is_current and redis.call('EXISTS', audience) == 1
heard = heard and redis.call('HEXISTS', KEYS[1], since) == 1 -- not by a version before
if not heard and audience == KEYS[4] and ARGV[4] ~= 'primed' then
    redis.call('SET', KEYS[6], '1', 'EX', 60)
    return false
end
if not is_current then {_BEGIN}
elseif not heard then
    local seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
    local entry = {{'kind', '', 'accounts', '', 'body', '', 'lapsed', audience}}
    redis.call('XADD', KEYS[2], seq .. '-0', unpack(entry))
end
if not heard then
    local seq = redis.call('HGET', KEYS[1], 'seq')
    redis.call('HSET', KEYS[1], audience, seq, since, clock())
    if audience == KEYS[4] then redis.call('DEL', KEYS[6]) end
end
redis.call('SET', audience, '1', 'EX', ARGV[2])
return redis.call('HMGET', KEYS[1], 'epoch', 'seq', audience, since, 'begun')
"""
_BREAK_OFF = f"""{_RUN}
if is_current and redis.call('EXISTS', KEYS[4], KEYS[5]) > 0 then {_BEGIN} end
"""
# `old` is when an account was read and the JSON of its fields, as last sent. A row that was read
# before the one that was sent last is old news; but a clock that was set must not end all news.
_CHANGES = """
local function changes(item)
    local sent = redis.call('HGET', KEYS[3], item.key)
    local old = sent and cjson.decode(sent) or {}
    local late = old[1] and tonumber(old[1]) - tonumber(item.at) or 0
    if late > 0 and (late < 2 or is_prime) then return nil end
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
# The note of the changed rows goes along with the last event; only without any it is an entry of
# its own, so that API clients see no gap.
_WRITE = f"""{_RUN}
local is_prime = ARGV[2] == 'prime'
if is_prime and redis.call('EXISTS', KEYS[4]) == 1 then return 0 end -- another process was first
if not is_prime and not is_current then return 0 end
{_CHANGES}
local entries = {{}}
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
    if body then
        entries[#entries + 1] = {{'kind', item.kind, 'accounts', item.accounts, 'body', body}}
    end
end
if is_prime then return 1 end
if ARGV[4] ~= '' then
    if #entries == 0 then entries[1] = {{'kind', '', 'accounts', '', 'body', ''}} end
    local last = entries[#entries]
    last[#last + 1], last[#last + 2] = 'note', ARGV[4]
end
local seq
for _, entry in ipairs(entries) do
    seq = redis.call('HINCRBY', KEYS[1], 'seq', 1)
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[1], seq .. '-0', unpack(entry))
end
if ARGV[5] ~= '' then redis.call('SET', ARGV[6] .. seq, ARGV[5], 'EX', ARGV[7]) end
return 1
"""
KEYS: Final = (META, STREAM, KNOWN, CLIENTS, PAGES, PRIMING)


class Item(msgspec.Struct, kw_only=True):
    """One event to be. `accounts`: numbers with commas; `body`: members of a JSON object.

    With a `key` it carries what of `names` differs from the last event of that key: as `data`, or
    else only whether anything does. The first `along` of them are sent along with others, and
    never alone. `at`: unix seconds, before it was read.
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


class Part(NamedTuple):
    """What is written at once. `note`: JSON of the Note on what was read; None: of nothing."""

    items: Sequence[Item]
    note: bytes = b""
    rows: Rows | None = None


class Position(NamedTuple):
    """Up to where the stream reaches, and since when it was written for this audience: after which
    number, and from what time on, in unix seconds, whoever listens can have missed something."""

    epoch: str
    seq: int
    since: int
    since_at: float


class Audiences(NamedTuple):
    """Who listens. `at`: unix seconds by the clock of Valkey, the same for all hosts."""

    pages: bool
    clients: bool
    at: float


def connection() -> Any:
    """Return the client of this process."""
    return _client(settings.REDIS_URL, os.getpid())


@lru_cache
def _client(url: str, pid: int) -> Any:
    # By process: a connection must not cross a fork.
    return connect(url)


def audiences(valkey: Any) -> Audiences:
    """Asked again for each commit: who begins to listen misses nothing from then on. Raise
    ERRORS."""
    with valkey.pipeline(transaction=False) as asked:
        asked.mget(PAGES, CLIENTS, PRIMING)
        asked.time()
        (pages, clients, priming), (seconds, microseconds) = asked.execute()
    return Audiences(bool(pages), bool(clients or priming), seconds + microseconds / 1e6)


def write(valkey: Any, part: Part, *, only_prime: bool = False) -> None:
    """Append it. `only_prime`: remember what the events would carry and send nothing. Raise
    ERRORS."""
    mode, rows = "prime" if only_prime else "", packed(part.rows) if part.rows else b""
    for start in range(0, max(len(part.items), 1), AT_ONCE):
        items = msgspec.json.encode([_plain(item) for item in part.items[start : start + AT_ONCE]])
        is_last = start + AT_ONCE >= len(part.items)
        along = (part.note, rows) if is_last else (b"", b"")
        kept = (ROWS, ROWS_KEPT_S)
        valkey.eval(_WRITE, len(KEYS), *KEYS, settings.EVENTS_KEPT, mode, items, *along, *kept)


def _plain(item: Item) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(item)
    return plain if item.key else {name: plain[name] for name in ("kind", "accounts", "body")}


def break_off(valkey: Any) -> None:
    """Begin a new epoch, if anybody listens. Raise ERRORS."""
    valkey.eval(_BREAK_OFF, len(KEYS), *KEYS, new_epoch())


async def listen(valkey: Any, audience: str, *, primed: bool = False) -> Position | None:
    """Announce that this audience, PAGES or CLIENTS, listens for EVENTS_OPEN_S. None: no API client
    listened, so all must be `primed` before one does. Raise ERRORS."""
    place, seconds = KEYS.index(audience) + 1, settings.EVENTS_OPEN_S
    args = new_epoch(), seconds, place, "primed" if primed else ""
    found = await valkey.eval(_LISTEN, len(KEYS), *KEYS, *args)
    if not found:
        return None
    epoch, seq, since, since_at, begun = found
    return Position(epoch.decode(), int(seq), int(since), max(float(since_at), float(begun or 0)))


def new_epoch() -> str:
    return secrets.token_hex(8)
