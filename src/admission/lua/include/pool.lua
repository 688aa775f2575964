-- A pool's state: hash with lt = newest time seen, shift = see clock.lua, lv = version of the learned limits,
-- pu = paused until, sk = slowdown (1 = none) as of st, rf = unexplained refusals in a row, c = learned concurrency,
-- cd = it was ever lowered, ct = when; hk = lease whose turn is kept, hs = its start, hx = until when, hh = its share,
-- cs = since when it began cold;
-- then, by dimension i: bucket a<i> = theoretical arrival time, p<i> = us a unit it was counted with; window w<i> = its number,
-- u<i>, v<i> = units used in it and in the next one; f<i> = units charged so far for use that was not ours.
-- leases: lease id -> expiry. costs: lease id -> {start, then four a dimension: reserved, used after it, f<i>, w<i>}.
-- booked: lease id -> start, for those whose start has not come.
local fieldsAlways = {'lt', 'shift', 'lv', 'pu', 'sk', 'st', 'rf', 'c', 'cd', 'ct', 'hs', 'hx', 'hh', 'cs', 'hk'}
local perLease = 4

local function readPool(key, n)
  local names = {unpack(fieldsAlways)}
  for i = 1, n do
    for _, letter in ipairs({'a', 'p', 'w', 'u', 'v', 'f'}) do names[#names + 1] = letter .. i end
  end
  local got = redis.call('HMGET', key, unpack(names))
  local pool = {n = n, a = {}, p = {}, w = {}, u = {}, v = {}, f = {}}
  for at, name in ipairs(fieldsAlways) do pool[name] = name == 'hk' and got[at] or tonumber(got[at] or '') end
  local at = #fieldsAlways
  for i = 1, n do
    for offset, letter in ipairs({'a', 'p', 'w', 'u', 'v', 'f'}) do pool[letter][i] = tonumber(got[at + offset] or '') end
    at = at + 6
  end
  pool.lt, pool.shift, pool.lv = pool.lt or 0, pool.shift or 0, pool.lv or 0
  return pool
end

local function writePool(key, pool)
  local writes = {'lt', pool.now, 'shift', pool.shift}
  local function add(name, value)
    if value then
      writes[#writes + 1] = name
      writes[#writes + 1] = value
    end
  end
  for _, name in ipairs({'sk', 'st', 'rf', 'c', 'cd', 'ct', 'hs', 'hx', 'hh', 'cs', 'hk'}) do add(name, pool[name]) end
  for i = 1, pool.n do
    for _, letter in ipairs({'a', 'p', 'w', 'u', 'v', 'f'}) do add(letter .. i, pool[letter][i]) end
  end
  redis.call('HSET', key, unpack(writes))
end

-- The slowdown of a pool that was refused without a reason we can see: recovers by two hundredths a second.
local function slowdown(pool)
  if not pool.sk or pool.sk >= 1 then return 1 end
  return math.min(1, pool.sk + 0.02 * math.max(0, pool.now - (pool.st or pool.now)) / 1000000)
end

-- Units of bucket i that are used and have not refilled.
local function usedOf(pool, i)
  if not pool.a[i] then return pool.u[i] or 0 end
  return math.max(0, pool.a[i] - pool.now) / pool.p[i]
end

local function readCosts(key, lease)
  local packed = redis.call('HGET', key, lease)
  return packed and cmsgpack.unpack(packed) or nil
end

-- Charges bookings whose start has come, in order of their starts; returns those that are still to come, in order.
-- They are kept apart until then: a refund that reaches a bucket before a booked start must not be carried past it.
local function foldBookings(pool, costsKey, bookedKey)
  local booked = redis.call('ZRANGE', bookedKey, 0, -1, 'WITHSCORES')
  local pending = {}
  for at = 1, #booked, 2 do
    local lease, start = booked[at], tonumber(booked[at + 1])
    local costs = readCosts(costsKey, lease)
    if start <= pool.now then
      redis.call('ZREM', bookedKey, lease)
      if costs then
        for i = 1, pool.n do
          if pool.a[i] then pool.a[i] = math.max(pool.a[i], start) + costs[2 + perLease * (i - 1)] * pool.p[i] end
        end
      end
    elseif costs then
      pending[#pending + 1] = {lease = lease, start = start, costs = costs}
    end
  end
  return pending
end

-- Gives units back, never beyond what is used now: a bucket that is full banks no credit, a window that is over gives none.
local function refund(pool, i, units, window, wasBooked)
  if pool.a[i] then
    if not wasBooked then pool.a[i] = math.max(pool.a[i] - units * pool.p[i], math.min(pool.a[i], pool.now)) end
  elseif pool.w[i] == window then
    pool.u[i] = math.max(0, pool.u[i] - units)
  elseif pool.w[i] and pool.w[i] + 1 == window then
    pool.v[i] = math.max(0, pool.v[i] - units)
  end
end

-- Charges units beyond what was reserved, now.
local function chargeMore(pool, i, units)
  if pool.a[i] then pool.a[i] = math.max(pool.a[i], pool.now) + units * pool.p[i]
  elseif pool.u[i] then pool.u[i] = pool.u[i] + units end
end

-- Slots of leases that ended come back; what they were charged stays charged, for their calls may have been made.
local function reapLeases(pool, leasesKey, costsKey)
  local ended = redis.call('ZRANGEBYSCORE', leasesKey, '-inf', pool.now)
  for _, lease in ipairs(ended) do
    redis.call('ZREM', leasesKey, lease)
    redis.call('HDEL', costsKey, lease)
  end
end

-- A permit that was not used: nothing of it stays charged. False: there is no such lease.
local function cancelLease(pool, leasesKey, costsKey, bookedKey, lease)
  local costs = readCosts(costsKey, lease)
  if redis.call('ZREM', leasesKey, lease) == 0 then return false end
  redis.call('HDEL', costsKey, lease)
  local wasBooked = redis.call('ZREM', bookedKey, lease) == 1
  for i = 1, costs and pool.n or 0 do
    local at = 2 + perLease * (i - 1)
    refund(pool, i, costs[at], costs[at + 3], wasBooked)
  end
  return true
end
