-- Replaces the reservations of permits of one pool by what was really used and frees their concurrency slots, each
-- exactly once (invariant 6).
--
-- KEYS  1 state  2 leases  3 costs: as in acquire-3.lua
-- ARGV  1 number of dimensions n   then microseconds per unit of each
--       then 1 + n a permit: lease id, actual units of each dimension (-1 = unknown: the reservation stands)
-- Returns a number a permit: 1 settled, 0 the lease is gone (settled before, or expired) and nothing was changed
-- Time  as in acquire-3.lua. More than reserved is charged; less is given back, never beyond now (no banked credit).
local t = redis.call('TIME')
local now = (tonumber(t[1]) - 1735689600) * 1000000 + tonumber(t[2])
local n = tonumber(ARGV[1])
local fields = {'lt'}
for i = 1, n do fields[i + 1] = 'a' .. i end
local state = redis.call('HMGET', KEYS[1], unpack(fields))
local lt = tonumber(state[1] or '0')
if lt > now then now = lt end

local answers, changed = {}, {}
for at = 2 + n, #ARGV, 1 + n do
  local lease = ARGV[at]
  local reserved = redis.call('HGET', KEYS[3], lease)
  if reserved then
    redis.call('HDEL', KEYS[3], lease)
    redis.call('ZREM', KEYS[2], lease)
    local i = 0
    for cost in string.gmatch(reserved, '[^,]+') do
      i = i + 1
      local difference = tonumber(ARGV[at + i] or '-1') - tonumber(cost)
      if tonumber(ARGV[at + i] or '-1') >= 0 and difference ~= 0 then
        local a = changed[i] or tonumber(state[i + 1] or now)
        if difference > 0 then a = math.max(a, now) else a = math.max(a, now - difference * tonumber(ARGV[1 + i])) end
        changed[i] = a + difference * tonumber(ARGV[1 + i])
      end
    end
    answers[#answers + 1] = 1
  else
    answers[#answers + 1] = 0
  end
end
for i, a in pairs(changed) do redis.call('HSET', KEYS[1], 'a' .. i, a) end
return answers
