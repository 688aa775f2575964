-- One admission decision, all or nothing (invariant 5): every rate dimension and the concurrency of a pool.
-- A refusal writes nothing but the removal of expired leases, which is due in any case.
--
-- KEYS  1 state   hash: lt = newest time seen (monotone clock), a<i> = theoretical arrival time of dimension i
--       2 leases  zset: lease id -> expiry
--       3 costs   hash: lease id -> reserved cost of each dimension, comma separated
-- ARGV  1 lease id   2 lease ms   3 concurrency   4 number of dimensions n
--       then 3 a dimension: microseconds per unit, burst in units, cost in units
-- Returns {granted 1|0, wait us, blocked by: 0 nothing | i dimension i | -1 concurrency, next us}
--       next = how long until one more call of this cost could be granted (rates only)
-- Time  Redis' own, read once, in us since 2025-01-01 (a double's step is then below 0.01 us), never backwards.
-- Rates are GCRA: start >= a + (cost - burst) * perUnit. Numbers go to redis.call as they are: tostring() would round.
-- A pool without state starts with three seconds' worth of its rate, not with a full burst: a lost state (failover,
-- flush) must not grant a burst twice.
local t = redis.call('TIME')
local now = (tonumber(t[1]) - 1735689600) * 1000000 + tonumber(t[2])
local n = tonumber(ARGV[4])
local fields = {'lt'}
for i = 1, n do fields[i + 1] = 'a' .. i end
local state = redis.call('HMGET', KEYS[1], unpack(fields))
local lt = tonumber(state[1] or '0')
if lt > now then now = lt end

local function perUnit(i) return tonumber(ARGV[2 + 3 * i]) end
local function burst(i) return tonumber(ARGV[3 + 3 * i]) end
local function cost(i) return tonumber(ARGV[4 + 3 * i]) end
local function arrival(i)
  if state[i + 1] then return tonumber(state[i + 1]) end
  local ready = math.min(burst(i), math.max(1, 3000000 / perUnit(i)))
  return now + (burst(i) - ready) * perUnit(i)
end

if redis.call('HEXISTS', KEYS[3], ARGV[1]) == 1 then
  redis.call('ZADD', KEYS[2], 'XX', 'GT', now + tonumber(ARGV[2]) * 1000, ARGV[1])
  return {1, 0, 0, 0}
end

local expired = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now)
for _, lease in ipairs(expired) do
  redis.call('ZREM', KEYS[2], lease)
  redis.call('HDEL', KEYS[3], lease)
end
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[3]) then return {0, 0, -1, 0} end

local wait, by = 0, 0
for i = 1, n do
  local w = arrival(i) + (cost(i) - burst(i)) * perUnit(i) - now
  if w > wait then wait = w; by = i end
end
if wait > 0 then return {0, math.ceil(wait), by, 0} end

local reserved = {}
local following = 0
local writes = {'lt', now}
for i = 1, n do
  local a = math.max(arrival(i), now) + cost(i) * perUnit(i)
  writes[#writes + 1] = 'a' .. i
  writes[#writes + 1] = a
  reserved[i] = ARGV[4 + 3 * i]
  following = math.max(following, a + (cost(i) - burst(i)) * perUnit(i) - now)
end
redis.call('HSET', KEYS[1], unpack(writes))
redis.call('ZADD', KEYS[2], now + tonumber(ARGV[2]) * 1000, ARGV[1])
redis.call('HSET', KEYS[3], ARGV[1], table.concat(reserved, ','))
return {1, 0, 0, math.ceil(following)}
