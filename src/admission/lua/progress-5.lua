-- Heartbeat of calls under way: extends leases that still exist, and charges what a stream has produced beyond its
-- reservation. A lease that expired stays gone.
--
-- KEYS  1 pool   2 leases   3 costs   4 booked   5 circuit: as in acquire-6.lua
-- ARGV  1 time   2..4 anchor: as in acquire-6.lua   5 number of dimensions n   6 lease us
--       then 1 + n a permit: lease id, units used so far in each dimension (-1: unknown)
-- Returns how many of the leases exist
-- Time  as in include/clock.lua
--@include clock
--@include pool
local n = tonumber(ARGV[5])
local pool = readPool(KEYS[1], n)
pool.now, pool.shift = poolTime(redisTime(ARGV[1]), pool.lt, pool.shift, tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]))
foldBookings(pool, KEYS[3], KEYS[4])
local leaseUs = tonumber(ARGV[6])
local probe = redis.call('HGET', KEYS[5], 'pr')
local alive = 0
for at = 7, #ARGV, 1 + n do
  local lease = ARGV[at]
  local costs = readCosts(KEYS[3], lease)
  if costs and redis.call('ZSCORE', KEYS[2], lease) then
    alive = alive + 1
    redis.call('ZADD', KEYS[2], 'XX', 'GT', pool.now + leaseUs, lease)
    if probe == lease then redis.call('HSET', KEYS[5], 'px', pool.now + leaseUs) end
    local grown = false
    for i = 1, n do
      local from = 2 + perLease * (i - 1)
      local beyond = tonumber(ARGV[at + i]) - costs[from]
      if beyond > 0 then
        chargeMore(pool, i, beyond)
        costs[from] = costs[from] + beyond
        grown = true
      end
    end
    if grown then redis.call('HSET', KEYS[3], lease, cmsgpack.pack(costs)) end
  end
end
writePool(KEYS[1], pool)
return alive
