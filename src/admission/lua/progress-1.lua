-- Heartbeat: extends leases that still exist. A lease that expired stays gone.
--
-- KEYS  1 leases zset (see acquire-2.lua)
-- ARGV  1 lease ms   then lease ids
-- Returns how many of them exist
-- Time  Redis' own, in us since 2025-01-01
local t = redis.call('TIME')
local now = (tonumber(t[1]) - 1735689600) * 1000000 + tonumber(t[2])
local alive = 0
for i = 2, #ARGV do
  if redis.call('ZSCORE', KEYS[1], ARGV[i]) then
    redis.call('ZADD', KEYS[1], 'XX', 'GT', now + tonumber(ARGV[1]) * 1000, ARGV[i])
    alive = alive + 1
  end
end
return alive
