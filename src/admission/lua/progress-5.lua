-- Heartbeat of calls under way: extends leases that still exist, and charges what a stream has produced beyond its
-- reservation. A lease that was reaped stays gone.
--
-- KEYS  1 pool   2 leases   3 costs   4 booked   5 circuit: as in acquire-6.lua
-- ARGV  1 time   2..4 anchor   5 server: as in acquire-6.lua   6 number of dimensions n   7 lease us
--       then 1 + n a permit: lease id, units used so far in each dimension (-1: unknown)
-- Returns how many of the leases exist
-- Time  as in include/clock.lua
--@include clock
--@include pool
local n = tonumber(ARGV[6])
-- Of a Redis that is full a script gets its way once it has freed something: what is under way must be kept account of.
redis.call('ZREM', KEYS[2], '')
local pool = openPool(KEYS[1], KEYS[2], n, ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
foldBookings(pool, KEYS[3], KEYS[4])
local leaseUs = tonumber(ARGV[7])
local probe = redis.call('HGET', KEYS[5], 'pr')
local alive = 0
for at = 8, #ARGV, 1 + n do
  local lease = ARGV[at]
  local costs = readCosts(KEYS[3], lease)
  if redis.call('ZSCORE', KEYS[2], lease) then
    alive = alive + 1
    redis.call('ZADD', KEYS[2], 'XX', 'GT', pool.now + leaseUs, lease)
    if probe == lease then redis.call('HSET', KEYS[5], 'px', pool.now + leaseUs) end
    local grown = false
    -- Of a seeded lease nobody knows what it had reserved.
    for i = 1, costs and n or 0 do
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
