-- Admission decisions for calls of one pool, each all or nothing (invariant 5): every rate dimension and the pool's
-- concurrency. Calls that ask at the same moment share one run of the script; they are decided in turn.
-- A refusal writes nothing but the removal of expired leases, which is due in any case, and when a cold pool began.
--
-- KEYS  1 state   hash: lt = newest time seen (monotone clock), a<i> = theoretical arrival time of dimension i
--       2 leases  zset: lease id -> expiry; its size is the concurrency in use
-- ARGV  1 lease ms   2 concurrency   3 number of dimensions n
--       then 2 a dimension: microseconds per unit, burst in units
--       then 2 + n a call: lease id, share of every burst and of the concurrency it may fill (0..1), cost in each dimension
-- Returns 4 numbers a call: granted 1|0, wait us, blocked by (0 nothing | i dimension i | -1 concurrency), next us
--       next = how long until one more call of this cost could be granted (rates only)
-- Time  Redis' own, read once, in us since 2025-01-01 (a double's step is then below 0.01 us), never backwards.
-- Rates are GCRA: start >= a + (cost - burst) * perUnit. Numbers go to redis.call as they are: tostring() would round.
-- A pool without state starts with three seconds' worth of its rate, not with a full burst: a lost state (failover,
-- flush) must not grant a burst twice. That start is kept even by a refusal: else the pool would stay cold for ever.
local t = redis.call('TIME')
local now = (tonumber(t[1]) - 1735689600) * 1000000 + tonumber(t[2])
local ttl = tonumber(ARGV[1]) * 1000
local concurrency = tonumber(ARGV[2])
local n = tonumber(ARGV[3])

local fields = {'lt'}
for i = 1, n do fields[i + 1] = 'a' .. i end
local state = redis.call('HMGET', KEYS[1], unpack(fields))
local lt = tonumber(state[1] or '0')
if lt > now then now = lt end

local perUnit, burst, arrival, cold = {}, {}, {}, false
for i = 1, n do
  perUnit[i], burst[i] = tonumber(ARGV[2 + 2 * i]), tonumber(ARGV[3 + 2 * i])
  if state[i + 1] then
    arrival[i] = tonumber(state[i + 1])
  else
    cold = true
    local ready = math.min(burst[i], math.max(1, 3000000 / perUnit[i]))
    arrival[i] = now + (burst[i] - ready) * perUnit[i]
  end
end

redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', now)
local held = redis.call('ZCARD', KEYS[2])

local answers, granted = {}, false
local function answer(...)
  for _, value in ipairs({...}) do answers[#answers + 1] = value end
end

local function decide(at)
  local lease, share = ARGV[at], tonumber(ARGV[at + 1])
  if redis.call('ZSCORE', KEYS[2], lease) then
    redis.call('ZADD', KEYS[2], 'XX', 'GT', now + ttl, lease)
    return answer(1, 0, 0, 0)
  end
  if held >= math.max(1, math.floor(concurrency * share)) then return answer(0, 0, -1, 0) end
  -- How long until dimension i admits this call; a call is never barred for good by its share.
  local function waitFor(i)
    local cost = tonumber(ARGV[at + 1 + i])
    local room = math.min(burst[i], math.max(math.floor(burst[i] * share), cost))
    return arrival[i] + (cost - room) * perUnit[i] - now
  end
  local wait, by = 0.5, 0 -- less is a double's rounding, no wait
  for i = 1, n do
    local w = waitFor(i)
    if w > wait then wait = w; by = i end
  end
  if by > 0 then return answer(0, math.ceil(wait), by, 0) end

  local following = 0
  for i = 1, n do
    arrival[i] = math.max(arrival[i], now) + tonumber(ARGV[at + 1 + i]) * perUnit[i]
    following = math.max(following, waitFor(i))
  end
  redis.call('ZADD', KEYS[2], now + ttl, lease)
  held = held + 1
  granted = true
  answer(1, 0, 0, math.ceil(following))
end

for at = 4 + 2 * n, #ARGV, 2 + n do decide(at) end
if granted or cold then
  local writes = {'lt', now}
  for i = 1, n do
    writes[#writes + 1] = 'a' .. i
    writes[#writes + 1] = arrival[i]
  end
  redis.call('HSET', KEYS[1], unpack(writes))
end
return answers
