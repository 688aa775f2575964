-- Tells a pool that may have forgotten some of them which calls are under way, so that their slots count, and what a day has
-- used. Once for each loss: who comes later changes nothing, for calls may have ended since it looked.
--
-- KEYS  1 pool   2 leases: as in acquire-6.lua
-- ARGV  1 time   2..4 anchor   5 server: as in acquire-6.lua   6 number of dimensions n
--       then one a dimension: units used of its day at least (below 0: it counts no days)
--       then 2 a call: lease id, us its lease has left
-- Returns 1 seeded | 0 it had been
-- Time  as in include/clock.lua
--@include clock
--@include pool
local n = tonumber(ARGV[6])
local pool = openPool(KEYS[1], KEYS[2], n, ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
if isSeeded(pool, ARGV[5]) then return 0 end
pool.sd = seedMark(ARGV[5])
for i = 1, n do
  local used = tonumber(ARGV[6 + i])
  if used >= 0 then pool.u[i] = math.max(pool.u[i] or 0, used) end
end
for at = 7 + n, #ARGV, 2 do redis.call('ZADD', KEYS[2], 'GT', pool.now + tonumber(ARGV[at + 1]), ARGV[at]) end
writePool(KEYS[1], pool)
return 1
