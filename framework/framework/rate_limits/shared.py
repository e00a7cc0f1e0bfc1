"""The buckets of all processes, in Redis."""

from collections.abc import Sequence
from typing import NamedTuple

from framework.rate_limits.rules import Limits
from framework.redis_link import Argument, Script

CHARGE = Script("""
-- Charges a request to all of its buckets, or to none. The generic cell rate algorithm, in microseconds: a bucket is the
-- moment when it will be full again, so what it owes is the time until then (ITU-T I.371, annex A).
-- KEYS: the buckets. ARGV, three for each: what it holds, the charge, when it is full as far as the asking process knows.
-- Answers whether the request is admitted, the time, and when each bucket will be full.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full_at, wrong, admitted = {}, {}, 1
for i, key in ipairs(KEYS) do
  local capacity, charge, known = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local stored = tonumber(redis.call('GET', key)) or 0
  -- Redis may have lost its memory, and those who ask know better. A clock that was set back must lock nobody out, so a
  -- bucket never owes more than it holds.
  full_at[i] = math.min(math.max(stored, known, now), now + capacity)
  wrong[i] = full_at[i] ~= stored and full_at[i] > now
  if full_at[i] + charge > now + capacity then admitted = 0 end
end
for i, key in ipairs(KEYS) do
  if admitted == 1 then full_at[i] = full_at[i] + tonumber(ARGV[3 * i - 1]) end
  if admitted == 1 or wrong[i] then
    local owed = full_at[i] - now
    redis.call('SET', key, string.format('%.0f', full_at[i]), 'PX', math.ceil(owed / 1000) + 1000)
  end
end
return {admitted, now, unpack(full_at)}
""")


class Answer(NamedTuple):
    admitted: bool
    now: int
    """By the clock of Redis, in microseconds."""
    owed: list[int]


def question(limits: Limits, subjects: Sequence[str], cost: int) -> tuple[list[str], list[Argument]]:
    """Keys and arguments of the script."""
    keys: list[str] = []
    words: list[Argument] = []
    for meter, subject in zip(limits.meters, subjects, strict=True):
        keys.append(meter.prefix + subject)
        words += (meter.rule.capacity, meter.rule.charge(cost), meter.buckets.full_at(subject))
    return keys, words


def take_down(answer: Sequence[int], limits: Limits, subjects: Sequence[str]) -> Answer:
    """Remember the script's answer for when Redis does not give one."""
    admitted, now, *moments = answer
    for meter, subject, full_at in zip(limits.meters, subjects, moments, strict=True):
        meter.buckets.remember(subject, full_at, now)
    return Answer(bool(admitted), now, [full_at - now for full_at in moments])
