-- Replaces the reservations of permits of one pool by what was really used and frees their concurrency slots, each
-- exactly once (invariant 6): a permit whose lease is gone was settled before or has expired, and changes nothing.
--
-- KEYS  1 state  2 leases: as in acquire-2.lua
-- ARGV  1 number of dimensions n   then microseconds per unit of each
--       then 1 + n a permit: lease id, difference of each dimension (actual - reserved; 0 = the reservation stands)
-- Returns a number a permit: 1 settled, 0 the lease is gone
-- Time  as in acquire-2.lua. More than reserved is charged; less is given back, never beyond now (no banked credit).
local t = redis.call('TIME')
local now = (tonumber(t[1]) - 1735689600) * 1000000 + tonumber(t[2])
local n = tonumber(ARGV[1])

local answers, differences = {}, {}
for at = 2 + n, #ARGV, 1 + n do
  local settled = redis.call('ZREM', KEYS[2], ARGV[at])
  answers[#answers + 1] = settled
  if settled == 1 then
    for i = 1, n do
      local difference = tonumber(ARGV[at + i])
      if difference ~= 0 then
        differences[i] = differences[i] or {}
        table.insert(differences[i], difference)
      end
    end
  end
end

for i, list in pairs(differences) do
  local lt = tonumber(redis.call('HGET', KEYS[1], 'lt') or '0')
  if lt > now then now = lt end
  local a = tonumber(redis.call('HGET', KEYS[1], 'a' .. i) or now)
  for _, difference in ipairs(list) do
    if difference > 0 then a = math.max(a, now) + difference * tonumber(ARGV[1 + i])
    else a = math.max(a + difference * tonumber(ARGV[1 + i]), math.min(a, now)) end
  end
  redis.call('HSET', KEYS[1], 'a' .. i, a)
end
return answers
