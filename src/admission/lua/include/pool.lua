-- A pool's state: hash with lt = newest time seen, shift = see clock.lua, ri = server it was written on, lo = 1: it was
-- lost, and nobody has begun it anew; lv = version of the learned limits, pu = paused until, sk = slowdown (1 = none) as of
-- st, rf = unexplained refusals in a row, c = learned concurrency, cd = it was ever lowered, ct = when; hk = lease whose turn
-- is kept, hs = its start, hx = until when, hh = its share; cs = since when it began cold; qs = see noteMost; sd = see
-- isSeeded. Then, by dimension i:
--   bucket  a<i> = theoretical arrival time, p<i> = us a unit it was counted with, z<i> = its size, m<i> = see noteLow
--   window  w<i> = its number, u<i>, v<i> = units used in it and in the next one, l<i> = its length, h<i> = its phase
--   q<i>, r<i> = see noteMost
-- leases: lease id -> expiry. costs: lease id -> {start, then two a dimension: reserved, w<i>}.
-- booked: lease id -> start, for those whose start has not come.
local names = {'lt', 'shift', 'lv', 'pu', 'sk', 'st', 'rf', 'c', 'cd', 'ct', 'hs', 'hx', 'hh', 'cs', 'lo', 'qs'}
local texts = {'ri', 'hk', 'sd'}
local letters = {'a', 'p', 'z', 'w', 'u', 'v', 'l', 'h', 'q', 'r', 'm'}
local perLease = 2

local function readPool(key, n)
  local fields = {unpack(names)}
  for _, name in ipairs(texts) do fields[#fields + 1] = name end
  for i = 1, n do
    for _, letter in ipairs(letters) do fields[#fields + 1] = letter .. i end
  end
  local got = redis.call('HMGET', key, unpack(fields))
  local pool = {n = n}
  for at, name in ipairs(names) do pool[name] = tonumber(got[at] or '') end
  for at, name in ipairs(texts) do pool[name] = got[#names + at] or nil end
  local at = #names + #texts
  for _, letter in ipairs(letters) do pool[letter] = {} end
  for i = 1, n do
    for offset, letter in ipairs(letters) do pool[letter][i] = tonumber(got[at + offset] or '') end
    local packed = got[at + #letters]
    pool.m[i] = packed and cmsgpack.unpack(packed) or {}
    at = at + #letters
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
  for at = 3, #names do add(names[at], pool[names[at]]) end
  for _, name in ipairs(texts) do add(name, pool[name]) end
  for i = 1, pool.n do
    for _, letter in ipairs(letters) do
      if letter == 'm' then
        if pool.a[i] then add('m' .. i, cmsgpack.pack(pool.m[i])) end
      else
        add(letter .. i, pool[letter][i])
      end
    end
  end
  redis.call('HSET', key, unpack(writes))
end

-- A window that is over gives way to the next one.
local function rollWindow(pool, i, number)
  if pool.w[i] >= number then return end
  pool.u[i] = pool.w[i] + 1 == number and pool.v[i] or 0
  pool.w[i], pool.v[i] = number, 0
end

-- The slowdown of a pool that was refused without a reason we can see: recovers by two hundredths a second.
local function slowdown(pool)
  if not pool.sk or pool.sk >= 1 then return 1 end
  return math.min(1, pool.sk + 0.02 * math.max(0, pool.now - (pool.st or pool.now)) / 1000000)
end

-- Units of dimension i that are used and have not refilled.
local function usedOf(pool, i)
  if not pool.a[i] then return pool.u[i] or 0 end
  return math.max(0, pool.a[i] - pool.now) / pool.p[i]
end

-- The most that was used within the last seconds, of slots of which two are kept: q<i> in this one, r<i> in the one before.
local slotUs = 10000000
local function rollMost(pool)
  local slot = math.floor(pool.now / slotUs)
  if pool.qs == slot then return end
  for i = 1, pool.n do
    pool.r[i] = pool.qs == slot - 1 and pool.q[i] or 0
    pool.q[i] = usedOf(pool, i)
  end
  pool.qs = slot
end

local function noteMost(pool, i)
  pool.q[i] = math.max(pool.q[i] or 0, usedOf(pool, i))
end

local function mostUsed(pool, i)
  return math.max(pool.q[i] or 0, pool.r[i] or 0, usedOf(pool, i))
end

-- The pool at the present moment. `server` is the id of the Redis process: a state that another one wrote came by a failover
-- or a restart, and what was charged last may be missing from it, as in one that is older than what the caller saw.
-- Leases that ended while nobody came by may have ended because nobody could renew them.
local silenceUs = 1000000
local function openPool(key, leasesKey, n, given, seen, low, high, server)
  local pool = readPool(key, n)
  local before, isOlder = pool.lt, false
  pool.now, pool.shift, isOlder =
    poolTime(redisTime(given), pool.lt, pool.shift, tonumber(seen), tonumber(low), tonumber(high))
  if isOlder or (server ~= '' and pool.ri and pool.ri ~= server) then pool.lo = 1 end
  if server ~= '' then pool.ri = server end
  local wasSilent = pool.now - before > silenceUs and redis.call('ZCOUNT', leasesKey, '-inf', pool.now) > 0
  if isOlder or wasSilent then pool.sd = '' end
  for i = 1, n do
    if pool.w[i] and pool.l[i] then rollWindow(pool, i, math.floor((pool.now - pool.h[i]) / pool.l[i])) end
  end
  rollMost(pool)
  return pool
end

-- Whether the leases are all that are under way. sd = the server on which that was last made sure of, by seed-2.lua.
local function seedMark(server) return server ~= '' and server or 'unknown' end
local function isSeeded(pool, server) return pool.sd == seedMark(server) end

-- m<i>[k]: when bucket i was used last by less than (k/16)^2 of its size. Units that are given back are worth no more than
-- the least that was used since they were charged: what has refilled meanwhile would have refilled without them, too.
local marks = 16
local function noteLow(pool, i, used, at)
  local low = pool.m[i]
  for k = marks, 1, -1 do
    if used >= pool.z[i] * (k / marks) ^ 2 then return end
    low[k] = math.max(low[k] or 0, at)
  end
end

local function leastSince(pool, i, since)
  for k = marks, 1, -1 do
    if (pool.m[i][k] or 0) <= since then return pool.z[i] * (k / marks) ^ 2 end
  end
  return 0
end

local function readCosts(key, lease)
  local packed = redis.call('HGET', key, lease)
  return packed and cmsgpack.unpack(packed) or nil
end

local function chargeBucket(pool, i, units, at)
  noteLow(pool, i, math.max(0, pool.a[i] - at) / pool.p[i], at)
  pool.a[i] = math.max(pool.a[i], at) + units * pool.p[i]
  noteMost(pool, i)
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
      for i = 1, costs and pool.n or 0 do
        if pool.a[i] then chargeBucket(pool, i, costs[2 + perLease * (i - 1)], start) end
      end
    elseif costs then
      pending[#pending + 1] = {lease = lease, start = start, costs = costs}
    end
  end
  return pending
end

-- Gives back units that were charged at `since`, never beyond what is used now: a bucket that is full banks no credit, a
-- window that is over gives none.
local function refund(pool, i, units, since, window, wasBooked)
  if pool.a[i] then
    if wasBooked then return end
    noteLow(pool, i, usedOf(pool, i), pool.now)
    units = math.min(units, leastSince(pool, i, since))
    pool.a[i] = math.max(pool.a[i] - units * pool.p[i], math.min(pool.a[i], pool.now))
    noteLow(pool, i, usedOf(pool, i), pool.now)
  elseif pool.w[i] == window then
    pool.u[i] = math.max(0, pool.u[i] - units)
  elseif pool.w[i] and pool.w[i] + 1 == window then
    pool.v[i] = math.max(0, pool.v[i] - units)
  end
end

-- Charges units beyond what was reserved, now.
local function chargeMore(pool, i, units)
  if pool.a[i] then
    chargeBucket(pool, i, units, pool.now)
  elseif pool.u[i] then
    pool.u[i] = pool.u[i] + units
    noteMost(pool, i)
  end
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
    refund(pool, i, costs[at], costs[1], costs[at + 1], wasBooked)
  end
  return true
end
