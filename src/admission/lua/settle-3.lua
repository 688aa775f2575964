-- Replaces a permit's reservation by what was really used and frees its concurrency slot, exactly once (invariant 6).
--
-- KEYS  1 state  2 leases  3 costs: as in acquire-3.lua
-- ARGV  1 lease id   2 number of dimensions n   then 2 a dimension: microseconds per unit, actual units (-1 = unknown)
-- Returns 1 settled, 0 the lease is gone (settled before, or expired): nothing is changed then
-- Time  as in acquire-3.lua. More than reserved is charged; less is given back, never beyond now (no banked credit).
local reserved = redis.call('HGET', KEYS[3], ARGV[1])
if not reserved then return 0 end
redis.call('HDEL', KEYS[3], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])

local t = redis.call('TIME')
local now = (tonumber(t[1]) - 1735689600) * 1000000 + tonumber(t[2])
local lt = tonumber(redis.call('HGET', KEYS[1], 'lt') or '0')
if lt > now then now = lt end

local i = 0
for cost in string.gmatch(reserved, '[^,]+') do
  i = i + 1
  local perUnit, actual = tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i])
  if actual and actual >= 0 then
    local a = tonumber(redis.call('HGET', KEYS[1], 'a' .. i) or now)
    local difference = actual - tonumber(cost)
    if difference > 0 then redis.call('HSET', KEYS[1], 'a' .. i, math.max(a, now) + difference * perUnit) end
    if difference < 0 then redis.call('HSET', KEYS[1], 'a' .. i, math.max(a + difference * perUnit, now)) end
  end
end
return 1
