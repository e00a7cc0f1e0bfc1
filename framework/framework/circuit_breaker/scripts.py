"""``circuit.py`` once more, in Lua: what all processes share is asked and told in one round trip, atomically.

A breaker is a hash: ``generation``; while it is not closed ``state``, ``began``, ``lasts`` and ``pause``; and of each
bucket ``e`` (its epoch), ``s`` (successes) and ``f`` (failures). Those that are not closed are in a sorted set, too, by
the time of their latest transition.

Redis' clock is a wall clock, which may be set. Going forward it ends a pause early, which costs one probe. Going back it
would keep a breaker open for as long as it was set back; so a time that began in the future begins now.
"""

from dataclasses import dataclass
from string import Template

from framework.circuit_breaker.rules import Rules, microseconds
from framework.redis_link import Script

BREAKER = "seamark:breaker:"
NOT_CLOSED = "seamark:breakers"
LISTED = 100
"""Breakers that are listed at most, the latest to open first."""
CLOCK = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
"""
ENTER = """
local key = KEYS[1]
local function enter(state, generation, lasts, pause)
  redis.call('HSET', key, 'state', state, 'generation', generation, 'began', now, 'lasts', lasts, 'pause', pause)
  redis.call('PEXPIRE', key, $forget)
  redis.call('ZREMRANGEBYSCORE', '$index', '-inf', now - $forget * 1000)
  redis.call('ZADD', '$index', now, key)
  redis.call('PEXPIRE', '$index', $forget)
end
"""
ADMIT = """
local fresh, lease, remembered, pause = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local kept = redis.call('HMGET', key, 'state', 'generation', 'began', 'lasts', 'pause')
local state, began, lasts = kept[1], tonumber(kept[3] or 0), tonumber(kept[4] or 0)
if state then
  pause = kept[5]
elseif remembered ~= '' and redis.call('EXISTS', key) == 0 then
  -- Redis lost it; the process that asks has not.
  state, began, lasts = 'open', now, tonumber(remembered)
  enter(state, fresh, lasts, pause)
else
  return kept[2] or ''
end
if began > now then
  began = now
  redis.call('HSET', key, 'began', now)
end
if now < began + lasts then
  return {state, began + lasts - now, tonumber(pause)}
end
enter('half-open', fresh, lease, pause)
return {'yours', 0, tonumber(pause)}
"""
RECORD = """
local generation, outcome, fresh = ARGV[1], ARGV[2], ARGV[3]
local epoch = math.floor(now / $width)
local slot = epoch % $buckets
local kept = redis.call('HMGET', key, 'state', 'generation', 'pause', 'e' .. slot)
local state = kept[1]
if generation ~= (kept[2] or '') then return end

if state == 'half-open' and outcome == 'success' then
  redis.call('DEL', key)
  redis.call('HSET', key, 'generation', fresh)
  redis.call('PEXPIRE', key, $forget)
  redis.call('ZREM', '$index', key)
  return {'closed', 0, 0}
elseif state == 'half-open' then
  local pause = tonumber(kept[3])
  local lasts = 0
  if outcome == 'failure' then
    pause = math.min(2 * pause, $longest)
    lasts = pause
  end
  enter('open', fresh, lasts, pause)
  return {'open', lasts, pause}
elseif state or outcome == 'nothing' then
  return
end

if tonumber(kept[4]) ~= epoch then
  redis.call('HSET', key, 'e' .. slot, epoch, 's' .. slot, 0, 'f' .. slot, 0)
  redis.call('PEXPIRE', key, $forget)
end
redis.call('HINCRBY', key, (outcome == 'success' and 's' or 'f') .. slot, 1)
if outcome == 'success' then return end

local fields = {}
for number = 0, $buckets - 1 do
  for _, field in ipairs({'e', 's', 'f'}) do fields[#fields + 1] = field .. number end
end
local counts = redis.call('HMGET', key, unpack(fields))
local successes, failures = 0, 0
for place = 1, #counts, 3 do
  local age = counts[place] and epoch - counts[place]
  if age and age >= 0 and age < $buckets then
    successes, failures = successes + counts[place + 1], failures + counts[place + 2]
  end
end
local ended = successes + failures
if ended < $calls or failures < $rate * ended then return end
enter('open', fresh, $pause, $pause)
return {'open', $pause, $pause}
"""
LIST = """
local answer = {}
for _, key in ipairs(redis.call('ZREVRANGE', '$index', 0, $listed - 1)) do
  local kept = redis.call('HMGET', key, 'state', 'began', 'lasts')
  if kept[1] then
    answer[#answer + 1] = {key, kept[1], math.max(0, math.min(kept[2] + kept[3] - now, tonumber(kept[3])))}
  end
end
return answer
"""


@dataclass(frozen=True, slots=True)
class Scripts:
    """The rules are written into them: each argument costs half a microsecond to send."""

    admit: Script
    """Key: the breaker. Arguments: the generation that a probe begins, its lease; and what this process remembers, or nothing
    twice. Returns the generation of a closed breaker, else [state or ``yours``, microseconds, pause]."""
    record: Script
    """Key: the breaker. Arguments: generation, outcome, and the generation that may begin. Returns [state, microseconds,
    pause] when a state begins."""
    list: Script
    """No keys, no arguments. Returns [key, state, microseconds] of each that is not closed."""

    @classmethod
    def of(cls, rules: Rules, clock: str = CLOCK) -> "Scripts":
        """``clock`` sets ``now``, in microseconds; a test brings one of its own."""
        values = {
            "index": NOT_CLOSED,
            "listed": LISTED,
            "forget": microseconds(rules.forget_after) // 1000,
            "width": microseconds(rules.window) // rules.buckets,
            "buckets": rules.buckets,
            "calls": rules.calls,
            "rate": repr(rules.failure_rate),
            "pause": microseconds(rules.pause),
            "longest": microseconds(rules.longest_pause),
        }
        return cls(
            *(Script(Template(clock + text).substitute(values)) for text in (ENTER + ADMIT, ENTER + RECORD, LIST))
        )
