"""What Redis does for lanes, as scripts: each runs whole, so nobody comes between two of its steps.

Every time is the server's own (TIME, microseconds), so that no clock of a host matters. A lane has
three sorted sets of tokens, a token being one hold's: its holders by the end of their lease, its
queue by order, and the waiters by when they are given up for dead. All expire: nothing stays.

A request takes its lanes together or not at all, so that nobody holds one and waits for another.
Its place is the same in all queues. Only at the end of its time it takes those that are free.
"""

from hashlib import sha1
from typing import Final, NamedTuple

LEASE: Final = 5.0
"""How long (seconds) a hold lives without being extended: so long its lanes stay taken where a
process is killed, and so long a request may be paused before others are let in."""

PATIENCE: Final = 1.0
"""How long (seconds) a waiter keeps its place without asking; a dead one holds up the others for
that long."""

KEPT: Final = 15.0
"""How long (seconds) the server keeps a lane that nobody asks for."""


class Script(NamedTuple):
    """A script and its digest, by which the server knows it."""

    text: str
    digest: str


def _script(text: str) -> Script:
    return Script(text, sha1(text.encode(), usedforsecurity=False).hexdigest())


_COMMON: Final = f"""
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local token = ARGV[1]
-- Who holds a lane alone is marked: it is its only holder.
local alone_token = '!' .. token
local LEASE, PATIENCE, KEPT = {LEASE * 1e6:.0f}, {PATIENCE * 1e6:.0f}, {KEPT * 1e3:.0f}
local function whole(number) return string.format('%.0f', number) end
"""

TAKE: Final = _script(
    _COMMON
    + """
-- ARGV: token, order (empty for a new request), urgent, last, most waiting; then width and alone
-- for each lane. Returns {1, lanes taken} or {0, place, order} or {2, place} for a full queue.
local urgent, last, most = ARGV[3] == '1', ARGV[4] == '1', tonumber(ARGV[5])
local new = ARGV[2] == ''
-- Microseconds of today are below 2^51; the urgent come before all others.
local order = new and whole(urgent and now - 2 ^ 52 or now) or ARGV[2]
local lanes, place, free, rooms = #KEYS / 3, 0, true, {}
for lane = 1, lanes do
  local holders, queue, waiters = KEYS[3 * lane - 2], KEYS[3 * lane - 1], KEYS[3 * lane]
  redis.call('ZREMRANGEBYSCORE', holders, '-inf', whole(now))
  for _, dead in ipairs(redis.call('ZRANGEBYSCORE', waiters, '-inf', whole(now))) do
    redis.call('ZREM', queue, dead)
    redis.call('ZREM', waiters, dead)
  end
  local width, alone = tonumber(ARGV[4 + 2 * lane]), ARGV[5 + 2 * lane] == '1'
  local held = redis.call('ZCARD', holders)
  local room = held == 0
  if not room and not alone and held < width then
    room = string.sub(redis.call('ZRANGE', holders, 0, 0)[1], 1, 1) ~= '!'
  end
  local before = redis.call('ZCOUNT', queue, '-inf', '(' .. order)
  place = math.max(place, before)
  free = free and room and before == 0
  rooms[lane] = room
end
if new and not urgent and not last and not free and place >= most then
  return {2, place}
end
local taken = 0
for lane = 1, lanes do
  local holders, queue, waiters = KEYS[3 * lane - 2], KEYS[3 * lane - 1], KEYS[3 * lane]
  if free or last then
    redis.call('ZREM', queue, token)
    redis.call('ZREM', waiters, token)
    if rooms[lane] then
      local member = ARGV[5 + 2 * lane] == '1' and alone_token or token
      redis.call('ZADD', holders, whole(now + LEASE), member)
      redis.call('PEXPIRE', holders, KEPT)
      taken = taken + 1
    end
  else
    redis.call('ZADD', queue, order, token)
    redis.call('ZADD', waiters, whole(now + PATIENCE), token)
    redis.call('PEXPIRE', queue, KEPT)
    redis.call('PEXPIRE', waiters, KEPT)
  end
end
if free or last then return {1, taken} end
return {0, place, order}
"""
)

EXTEND: Final = _script(
    _COMMON
    + """
-- KEYS: holders of each lane. ARGV: token. Returns how many of them still have it.
local kept = 0
for lane = 1, #KEYS do
  for _, member in ipairs({token, alone_token}) do
    local lease = redis.call('ZSCORE', KEYS[lane], member)
    if lease and tonumber(lease) > now then
      redis.call('ZADD', KEYS[lane], whole(now + LEASE), member)
      redis.call('PEXPIRE', KEYS[lane], KEPT)
      kept = kept + 1
    end
  end
end
return kept
"""
)

RELEASE: Final = _script(
    _COMMON
    + """
-- KEYS: holders of each lane. ARGV: token. Returns how many of them still had it.
local kept = 0
for lane = 1, #KEYS do
  for _, member in ipairs({token, alone_token}) do
    local lease = redis.call('ZSCORE', KEYS[lane], member)
    if lease then
      redis.call('ZREM', KEYS[lane], member)
      if tonumber(lease) > now then kept = kept + 1 end
    end
  end
end
return kept
"""
)
