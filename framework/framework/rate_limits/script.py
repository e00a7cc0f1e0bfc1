"""The buckets of all processes, in Redis."""

from framework.redis_link import Script

CHARGE = Script("""
-- Charges a request to all of its buckets, or to none. The generic cell rate algorithm, in microseconds: a bucket is the
-- moment when it will be full again, so what it owes is the time until then (ITU-T I.371, annex A).
-- KEYS: the buckets. ARGV, three for each: what it holds, the charge, what the asking process knows it to owe.
-- Answers whether the request is admitted, and what each bucket owes now.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local owed, restored, admitted = {}, {}, 1
for i, key in ipairs(KEYS) do
  local capacity, charge, known = tonumber(ARGV[3 * i - 2]), tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i])
  local stored = (tonumber(redis.call('GET', key)) or 0) - now
  -- Redis may have lost its memory, and those who ask know better. A clock that was set back must not lock anyone out,
  -- so a bucket never owes more than it holds.
  owed[i] = math.min(math.max(stored, known, 0), capacity)
  restored[i] = owed[i] > stored and owed[i] > 0
  if owed[i] + charge > capacity then admitted = 0 end
end
for i, key in ipairs(KEYS) do
  if admitted == 1 then owed[i] = owed[i] + tonumber(ARGV[3 * i - 1]) end
  if admitted == 1 or restored[i] then
    redis.call('SET', key, string.format('%.0f', now + owed[i]), 'PX', math.ceil(owed[i] / 1000) + 1000)
  end
end
return {admitted, unpack(owed)}
""")
