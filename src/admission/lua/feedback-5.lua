-- What a provider said that is not about one call: when to come back, another limit, that it refuses the credential.
--
-- KEYS  1 pool   2 leases   3 circuit   4 provider: as in acquire-6.lua
--       5 learned  hash: limit by dimension
-- ARGV  1 time   2 us to pause the pool   3 us to pause the circuit   4 slowdown: 0 none | 1 refused for no reason we see | 2 grew too fast
--       5 concurrency: 0 | 1 refused | 2 busy   6 why the credential is off (empty: it is not)
--       7 fingerprint of the key that was used (empty: unknown)
--       then 2 a limit that is to be followed: dimension, limit
-- Returns version of the learned limits, 1 if the credential is off since now
-- Time  Redis' own or that of the call, in us since 2025-01-01, together with the pool's shift. The pool's newest time is
--       left alone: whether its state was lost is for a script with an anchor to see.
--@include clock
--@include pool
local pool = readPool(KEYS[1], 0)
pool.now, pool.shift = poolTime(redisTime(ARGV[1]), pool.lt, pool.shift, 0, 0, 0)
local now = pool.now
local function pause(key, field, us)
  if us <= 0 then return end
  local until_ = math.max(tonumber(redis.call('HGET', key, field) or '0'), now + us)
  redis.call('HSET', key, field, until_)
end
pause(KEYS[1], 'pu', tonumber(ARGV[2]))
pause(KEYS[3], 'pu', tonumber(ARGV[3]))

-- A refusal that our own account does not explain: somebody else's traffic, or a limit nobody told us of. Three in a row
-- slow the pool down by three tenths; growing too fast does at once. Once a second: refusals that come together are one sign.
local slow = ARGV[4]
if slow ~= '0' and now - (pool.st or 0) > 1000000 then
  pool.rf = (pool.rf or 0) + 1
  if slow == '2' or pool.rf >= 3 then
    pool.rf = 0
    redis.call('HSET', KEYS[1], 'sk', math.max(0.1, slowdown(pool) * 0.7), 'st', now)
  end
  redis.call('HSET', KEYS[1], 'rf', pool.rf)
end
-- Multiplicative decrease, once a second: calls that were refused together are one sign.
local gauge = ARGV[5]
if gauge ~= '0' and now - (pool.ct or 0) > 1000000 then
  local lower = (pool.c or 50) * 0.9
  if gauge == '1' then lower = math.min(lower, redis.call('ZCARD', KEYS[2])) end
  redis.call('HSET', KEYS[1], 'c', math.max(1, lower), 'cd', 1, 'ct', now)
end

-- A key that was replaced meanwhile says nothing of the new one.
local isOff = 0
if ARGV[6] ~= '' then
  local key = redis.call('HGET', KEYS[4], 'key')
  local isCurrent = not key or ARGV[7] == '' or key == ARGV[7]
  if isCurrent and redis.call('HSETNX', KEYS[4], 'off', ARGV[6]) == 1 then isOff = 1 end
end

for at = 8, #ARGV, 2 do redis.call('HSET', KEYS[5], ARGV[at], ARGV[at + 1]) end
if #ARGV >= 8 then pool.lv = redis.call('HINCRBY', KEYS[1], 'lv', 1) end
return {pool.lv, isOff}
