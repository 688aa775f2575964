-- Admission decisions for calls of one deployment, each all or nothing (invariant 5): every dimension of its pool,
-- concurrency, pauses, the circuit, the credential and the retry budget. Calls that ask at the same moment share one run
-- and are decided in turn. A refusal charges nothing; what is written then was due in any case: the time, ended leases,
-- bookings whose start has come, and how a new pool began.
--
-- KEYS  1 pool   2 leases   3 costs   4 booked: see include/pool.lua   5 circuit: see include/circuit.lua
--       6 provider  hash: iso = closed off by an operator, off = the credential was refused, rl, rt = retries that may be made, as of
-- ARGV  1 time (empty: Redis' own)   2..4 anchor: see include/clock.lua   5 id of the server (empty: unknown)
--       6 1: the caller can seed   7 version of the learned limits that 12.. follow   8 concurrency (0: learned)
--       9 retries a first call allows   10 retries a us allows   11 number of dimensions n
--       then 6 a dimension: kind 0 unlimited | 1 bucket | 2 window; us a unit | length of the window; size in units;
--            units a pool without state starts with; phase and guard of a window in us
--       then 5 + n a call: lease id, 0 | 1 a retry | 2 a mere look | 4 a last look before sending, lease us, share of every size and of the concurrency
--            it may fill (0..1), us ahead it may be booked, cost in each dimension
-- Returns version of the learned limits, time, then 6 numbers a call: 1 granted | 2 granted as the probe | 0 refused |
--       3 refused, but its turn is kept: nobody of its share or less goes before it; us until it may start or should be asked for again, what blocks it (i > 0: dimension i; -1 concurrency, -2 pause,
--       -3 circuit, -4 isolated, -5 credential, -6 retries, -7 pause of the deployment, -100 - i: larger than dimension i ever lets through),
--       us until one more of this cost could go (rates only), how many more could go at once, and us in which one refills.
--       With an old version only the first two: ask again. -1 alone: seed first, see seed-2.lua.
-- Time  as in include/clock.lua
--@include clock
--@include pool
--@include circuit
local n = tonumber(ARGV[11])
local pool = openPool(KEYS[1], KEYS[2], n, ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
if ARGV[6] == '1' and not isSeeded(pool, ARGV[5]) then return {-1} end
local now, isLost = pool.now, pool.lo == 1
pool.lo = pool.lo and 0
if pool.lv ~= tonumber(ARGV[7]) then return {pool.lv, math.floor(now)} end

local kind, unit, size, cold, phase, guard = {}, {}, {}, {}, {}, {}
local slow = slowdown(pool)
if slow >= 1 then pool.sk, pool.st = pool.sk and 1, nil end
for i = 1, n do
  local at = 12 + 6 * (i - 1)
  kind[i], unit[i], size[i] = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  cold[i], phase[i], guard[i] = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5])
  if kind[i] == 1 then
    unit[i] = unit[i] / slow
    local before = pool.z[i] or size[i]
    pool.z[i] = size[i]
    if not pool.a[i] or isLost then pool.cs, pool.m[i] = now, {} end
    if not pool.a[i] then
      -- A state that was lost must not grant a burst twice: who remembers the pool starts it empty, who does not, low.
      pool.a[i], pool.p[i] = now + (size[i] - (isLost and 0 or cold[i])) * unit[i], unit[i]
    elseif isLost then
      pool.a[i], pool.p[i] = math.max(pool.a[i], now + size[i] * unit[i]), unit[i]
    end
    if pool.p[i] ~= unit[i] then
      -- Another limit: what is used stays used. What a pool that began cold still lacks was not used: it is no debt, so no
      -- more of it is kept than the new size.
      local used = math.max(0, pool.a[i] - now) / pool.p[i]
      local coldBefore = math.min(before, math.max(1, cold[i] * unit[i] / pool.p[i]))
      local lack = pool.cs and math.max(0, before - coldBefore - (now - pool.cs) / pool.p[i]) or 0
      lack = math.min(lack, used)
      if used > 0 then pool.a[i] = now + (used - lack + math.min(lack, size[i])) * unit[i] end
      pool.p[i] = unit[i]
    end
    pool.w[i], pool.u[i], pool.v[i] = nil, nil, nil
  elseif kind[i] == 2 then
    pool.a[i], pool.p[i] = nil, nil
    local number = math.floor((now - phase[i]) / unit[i])
    pool.l[i], pool.h[i] = unit[i], phase[i]
    if not pool.w[i] or isLost then
      pool.w[i], pool.v[i] = number, 0
      -- A minute that was lost gives nothing more; a day would stand still for too long.
      pool.u[i] = math.max(pool.u[i] or 0, size[i] - (isLost and unit[i] <= 60000000 and 0 or cold[i]))
    else
      rollWindow(pool, i, number)
    end
  else
    pool.a[i], pool.p[i], pool.w[i], pool.u[i], pool.v[i] = nil, nil, nil, nil, nil
  end
end

local pending = foldBookings(pool, KEYS[3], KEYS[4])
reapLeases(pool, KEYS[2], KEYS[3])
local held = redis.call('ZCARD', KEYS[2])
local concurrency = tonumber(ARGV[8])
if concurrency == 0 then concurrency = math.floor(pool.c or 50) end

local circuit = readCircuit(KEYS[5])
local provider = redis.call('HMGET', KEYS[6], 'iso', 'off', 'rl', 'rt')
local perCall, perUs = tonumber(ARGV[9]), tonumber(ARGV[10])
local retryCap = math.max(1, perUs * 10000000)
local retries = math.min(retryCap, (tonumber(provider[3] or '') or retryCap) + perUs * math.max(0, now - (tonumber(provider[4] or '') or now)))
-- What had been saved up may have been spent before the loss: it is saved up anew.
if isLost then retries = 0 end
local retriesChanged = isLost

-- Arrival times with every booking that is still to come, and the last of their starts.
local ahead, lastStart = {}, 0
for i = 1, n do ahead[i] = pool.a[i] end
local function bookAhead(start, costs)
  lastStart = math.max(lastStart, start)
  for i = 1, n do
    if ahead[i] then ahead[i] = math.max(ahead[i], start) + costs[2 + perLease * (i - 1)] * pool.p[i] end
  end
end
for _, one in ipairs(pending) do bookAhead(one.start, one.costs) end

-- Earliest start from t on that bucket i admits. What is kept for interactive calls of a pool that began cold is not there
-- before it has refilled; nobody waits for it.
local function bucketStart(i, t, cost, share)
  if pool.cs and now < pool.cs + (1 - share) * size[i] * pool.p[i] then share = 1 end
  local room = math.min(size[i], math.max(size[i] * share, cost))
  return math.max(t, ahead[i] + (cost - room) * pool.p[i])
end

-- Earliest start from t on that window i admits. Near its end a call may arrive in the next one: it must fit into both.
-- What is kept of it for interactive calls is let go evenly until its end, so that nothing of it is lost.
local function windowStart(i, t, cost, share)
  for _ = 1, 3 do
    local number = math.floor((t - phase[i]) / unit[i])
    local begins = phase[i] + number * unit[i]
    local ends = begins + unit[i]
    local used = number == pool.w[i] and pool.u[i] or number == pool.w[i] + 1 and pool.v[i] or 0
    local following = number == pool.w[i] and pool.v[i] or 0
    local fits = used + cost <= size[i]
    if fits and used + cost > size[i] * share and used > 0 then
      t = math.max(t, begins + (unit[i] - guard[i]) * ((used + cost) / size[i] - share) / (1 - share))
    end
    if fits and t < ends and (t < ends - guard[i] or following + cost <= size[i]) then return t end
    t = ends
  end
  return t
end

local function chargeWindow(i, start, cost)
  local number = math.floor((start - phase[i]) / unit[i])
  if number == pool.w[i] then pool.u[i] = pool.u[i] + cost else pool.v[i] = pool.v[i] + cost end
  local nearEnd = start >= phase[i] + (number + 1) * unit[i] - guard[i]
  if nearEnd and number == pool.w[i] then pool.v[i] = pool.v[i] + cost end
  noteMost(pool, i)
  return number
end

-- The earliest start that all dimensions admit, and which one it waits for.
local function earliest(at, t, share)
  local by, settled = 0, false
  for _ = 1, 8 do
    settled = true
    for i = 1, n do
      local cost = tonumber(ARGV[at + 4 + i])
      if kind[i] ~= 0 and cost > 0 then
        if cost > size[i] * 1.000001 then return math.huge, -100 - i end
        local start = kind[i] == 1 and bucketStart(i, t, cost, share) or windowStart(i, t, cost, share)
        if start > t + 0.5 then t, by, settled = start, i, false end -- less is a double's rounding, no wait
      end
    end
    if settled then return t, by end
  end
  return t + 1000000, by
end

-- How many calls of this cost could start now.
local function moreAtOnce(at, share)
  local more = math.max(1, math.floor(concurrency * share)) - held
  for i = 1, n do
    local cost = tonumber(ARGV[at + 4 + i])
    local used = kind[i] == 1 and math.max(0, ahead[i] - now) / pool.p[i] or pool.u[i]
    if kind[i] ~= 0 and cost > 0 then more = math.min(more, (size[i] * share - used) / cost) end
  end
  return math.max(0, math.floor(more))
end

local answers = {pool.lv, math.floor(now)}
local function answer(...)
  for _, value in ipairs({...}) do answers[#answers + 1] = value end
end

-- What is closed whatever the rates say: code and us to wait; nil when nothing is.
local function closed(flags)
  if provider[2] then return -5, 60000000 end
  if provider[1] or circuit.iso then return -4, 60000000 end
  if circuit.st == 'open' and now < circuit.un then return -3, circuit.un - now end
  if circuit.st == 'half' and circuit.pr and circuit.px > now then return -3, math.min(1000000, circuit.px - now) end
  if not circuit.st then
    local room, nextUs = rampRoom(circuit, now)
    if room and room <= 0 then return -3, nextUs end
  end
  if flags % 2 == 1 and retries < 1 then return -6, perUs > 0 and (1 - retries) / perUs or 1000000 end
  return nil
end

-- A refused call would find others faster by a moment again and again, and a large one smaller ones that take its room
-- first. So its turn is kept, one call of a pool at a time, and for a while after its start, should its worker be late.
local lateUs = 300000
local pollUs = 20000
local longestTurnUs = 60000000
local function refillUs(at)
  local longest = 0
  for i = 1, n do
    if kind[i] == 1 then longest = math.max(longest, tonumber(ARGV[at + 4 + i]) * pool.p[i]) end
  end
  return longest
end

-- Whose turn is kept before this one, if anybody's.
local function isBehind(lease, share)
  return pool.hk and pool.hk ~= '' and pool.hk ~= lease and pool.hx > now and share <= pool.hh
end

-- Others turned out to take more than they had reserved: a booked start waits until its room is there again, if not for long.
local longestSleepUs = 1000000
local function overdrawnUntil()
  local t = now
  for i = 1, n do
    if pool.a[i] then t = math.max(t, pool.a[i] - size[i] * pool.p[i]) end
  end
  return t
end

local function isHeld(lease)
  if not redis.call('ZSCORE', KEYS[2], lease) then return false end
  if redis.call('HEXISTS', KEYS[3], lease) == 1 then return true end
  -- Seeded; but whoever asks is not under way.
  redis.call('ZREM', KEYS[2], lease)
  held = held - 1
  return false
end

local function decide(at)
  local lease, flags, leaseUs = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local share, aheadUs = tonumber(ARGV[at + 3]), tonumber(ARGV[at + 4])
  local isLook = flags == 2 or flags == 3
  local paused = math.max(pool.pu or 0, circuit.pu or 0)
  if not isLook and isHeld(lease) then
    local isProbe = circuit.pr == lease
    local shut, shutUs = closed(0)
    if flags >= 4 and (paused > now or (shut and not isProbe)) then
      cancelLease(pool, KEYS[2], KEYS[3], KEYS[4], lease)
      held = held - 1
      if isProbe then redis.call('HSET', KEYS[5], 'px', now) end
      return answer(0, math.ceil(shut and shutUs or paused - now), shut or (paused == pool.pu and -2 or -7), 0, 0, 0)
    end
    redis.call('ZADD', KEYS[2], 'XX', 'GT', now + leaseUs, lease)
    local start = tonumber(redis.call('ZSCORE', KEYS[4], lease) or 0)
    if flags >= 4 then start = math.max(start, overdrawnUntil()) end
    if start > now + longestSleepUs then
      cancelLease(pool, KEYS[2], KEYS[3], KEYS[4], lease)
      held = held - 1
      if isProbe then redis.call('HSET', KEYS[5], 'px', now) end
      return answer(0, math.ceil(start - now), 1, 0, 0, 0)
    end
    return answer(isProbe and 2 or 1, math.ceil(math.max(0, start - now)), 0, 0, 0, 0)
  end
  local by, waitUs = closed(flags)
  if by then return answer(0, math.ceil(waitUs), by, 0, 0, 0) end
  local from = math.max(now, paused, lastStart)
  local start, blocking = earliest(at, from, share)
  if blocking < -100 then return answer(0, 0, blocking, 0, 0, 0) end
  if blocking == 0 and paused > now and from == paused then blocking = paused == pool.pu and -2 or -7 end
  if not isLook and isBehind(lease, share) then
    return answer(0, math.ceil(math.max(start, pool.hs, now + pollUs) - now), math.max(1, blocking), 0, 0, 0)
  end
  if start > now + aheadUs then
    local keeps = blocking > 0 and not isLook and aheadUs > 0 and start - now <= longestTurnUs
    if keeps then pool.hk, pool.hs, pool.hx, pool.hh = lease, start, start + math.max(lateUs, refillUs(at)), share end
    -- A start behind others' bookings waits for whatever they wait for: the rates.
    return answer(keeps and 3 or 0, math.ceil(start - now), blocking == 0 and 1 or blocking, 0, 0, 0)
  end
  if held >= math.max(1, math.floor(concurrency * share)) then return answer(0, 0, -1, 0, 0, 0) end
  if isLook then return answer(1, math.ceil(start - now), 0, 0, 0, 0) end

  if pool.hk == lease then pool.hk = '' end
  local isProbe = circuit.st ~= nil
  if isProbe then
    circuit.st, circuit.pr, circuit.px = 'half', lease, now + leaseUs
    redis.call('HSET', KEYS[5], 'st', 'half', 'pr', lease, 'px', circuit.px, 'cg', now)
  elseif rampRoom(circuit, now) then
    circuit.ra = (circuit.ra or 0) + 1
    redis.call('HSET', KEYS[5], 'ra', circuit.ra)
  end
  retries = flags % 2 == 1 and retries - 1 or math.min(retryCap, retries + perCall)
  retriesChanged = true
  local record = {start}
  for i = 1, n do
    local cost = kind[i] == 0 and 0 or tonumber(ARGV[at + 4 + i])
    local number = kind[i] == 2 and chargeWindow(i, start, cost) or 0
    record[#record + 1] = cost
    record[#record + 1] = number
  end
  if start > now + 0.5 then
    redis.call('ZADD', KEYS[4], start, lease)
  else
    for i = 1, n do
      if pool.a[i] then chargeBucket(pool, i, record[2 + perLease * (i - 1)], start) end
    end
  end
  bookAhead(start, record)
  redis.call('HSET', KEYS[3], lease, cmsgpack.pack(record))
  redis.call('ZADD', KEYS[2], now + leaseUs, lease)
  held = held + 1
  local following = earliest(at, start, share)
  local nextUs = math.ceil(math.max(0, following - now))
  answer(isProbe and 2 or 1, math.ceil(start - now), 0, nextUs, nextUs > 0 and 0 or moreAtOnce(at, share), math.ceil(refillUs(at)))
end

for at = 12 + 6 * n, #ARGV, 5 + n do decide(at) end
writePool(KEYS[1], pool)
if retriesChanged then redis.call('HSET', KEYS[6], 'rl', retries, 'rt', now) end
return answers
