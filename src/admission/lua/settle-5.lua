-- Replaces the reservations of permits of one deployment by what was really used, frees their concurrency slots, and tells
-- the circuit how their calls went; each exactly once (invariant 6): a permit whose lease is gone was settled before or
-- has expired, and changes nothing.
--
-- KEYS  1 pool   2 leases   3 costs   4 booked   5 circuit: as in acquire-6.lua
-- ARGV  1 time   2..4 anchor   5 server   6 1: the caller can seed: as in acquire-6.lua   7 number of dimensions n
--       8 1: concurrency is learned   9 failures in a row that open the circuit   10 us it stays open
--       11 share and 12 number of calls that open it   13 seconds in which those are counted
--       then 3 + 2n a permit: lease id; 0 not sent | 1 answered | 2 failed | 3 neither, for the circuit; us that the
--       provider asks for; then a dimension: units used (-1: the reservation stands), units that the provider says are used (-1: unknown)
-- Returns 2 numbers a permit: 1 settled | 0 gone; 0 | 1 opened | 2 closed | 3 opened again | 4 probe unused, for the circuit.
--         -1 alone: seed first, see seed-2.lua; of a permit that was seeded only the slot is known, and freed
-- Time  as in include/clock.lua. More than reserved is charged; less is given back, never beyond now.
--@include clock
--@include pool
--@include circuit
local n = tonumber(ARGV[7])
local pool = openPool(KEYS[1], KEYS[2], n, ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
if ARGV[6] == '1' and not isSeeded(pool, ARGV[5]) then return {-1} end
local now = pool.now
foldBookings(pool, KEYS[3], KEYS[4])
reapLeases(pool, KEYS[2], KEYS[3])
local circuit = readCircuit(KEYS[5])
local learnsConcurrency = ARGV[8] == '1'
local threshold, openUs, ratio = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local minimumCalls, seconds = tonumber(ARGV[12]), tonumber(ARGV[13])

-- Somebody else uses the key: what the provider counts beyond us is charged; what it counts less is never credited.
-- Compared is the most that we used while the call was out: what it says may count calls that overtook it. Readings of
-- longer ago than we remember say nothing.
local function chargeForeign(i, start, says)
  if says < 0 or now - start > slotUs or not (pool.a[i] or pool.u[i]) then return end
  local excess = says - mostUsed(pool, i)
  if excess > 0 then chargeMore(pool, i, excess) end
end

local function change(state, why)
  circuit.cg = now
  redis.call('DEL', KEYS[5])
  local writes = {'cg', now}
  local function add(name, value)
    writes[#writes + 1] = name
    writes[#writes + 1] = value
  end
  if circuit.iso then add('iso', circuit.iso) end
  if circuit.pu then add('pu', circuit.pu) end
  if state == 'open' then
    add('st', 'open')
    add('un', now + openUs)
    add('why', why)
    circuit.st, circuit.un = 'open', now + openUs
  else
    add('rs', now)
    add('ra', 0)
    circuit.st, circuit.rs, circuit.ra = nil, now, 0
  end
  circuit.pr, circuit.cf = nil, 0
  redis.call('HSET', KEYS[5], unpack(writes))
end

local function countCalls(failed)
  local second = math.floor(now / 1000000)
  local slot = second % seconds
  if tonumber(redis.call('HGET', KEYS[5], 'at' .. slot) or '') ~= second then
    redis.call('HSET', KEYS[5], 'at' .. slot, second, 'ok' .. slot, 0, 'no' .. slot, 0)
  end
  redis.call('HINCRBY', KEYS[5], (failed and 'no' or 'ok') .. slot, 1)
  if not failed then
    if (circuit.cf or 0) > 0 then redis.call('HSET', KEYS[5], 'cf', 0) end
    circuit.cf = 0
    return nil
  end
  circuit.cf = redis.call('HINCRBY', KEYS[5], 'cf', 1)
  if circuit.cf >= threshold then return circuit.cf .. ' failures in a row' end
  local calls, failures = 0, 0
  for b = 0, seconds - 1 do
    local got = redis.call('HMGET', KEYS[5], 'at' .. b, 'ok' .. b, 'no' .. b)
    if got[1] and tonumber(got[1]) > second - seconds then
      calls = calls + got[2] + got[3]
      failures = failures + got[3]
    end
  end
  if calls >= minimumCalls and failures >= ratio * calls then
    return failures .. ' of ' .. calls .. ' calls failed in ' .. seconds .. ' s'
  end
  return nil
end

-- What a call says of the circuit: see Returns. Calls that began before its last change say nothing of what is now.
local function tellCircuit(lease, start, how, waitUs)
  if circuit.pr == lease then
    if how == 0 then
      circuit.px = now
      redis.call('HSET', KEYS[5], 'px', now)
      return 4
    end
    if how == 2 then
      openUs = math.max(openUs, waitUs)
      change('open', 'the probe failed')
      return 3
    end
    change('closed')
    return 2
  end
  if how == 0 or how == 3 or circuit.st or start < (circuit.cg or 0) then return 0 end
  local why = countCalls(how == 2)
  if not why then return 0 end
  openUs = math.max(openUs, waitUs)
  change('open', why)
  return 1
end

local held = redis.call('ZCARD', KEYS[2])
local answers = {}
for at = 14, #ARGV, 3 + 2 * n do
  local lease, how, waitUs = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local costs = readCosts(KEYS[3], lease)
  if how == 0 then
    local wasHeld = cancelLease(pool, KEYS[2], KEYS[3], KEYS[4], lease)
    answers[#answers + 1] = wasHeld and 1 or 0
    answers[#answers + 1] = wasHeld and tellCircuit(lease, 0, 0, 0) or 0
  elseif redis.call('ZREM', KEYS[2], lease) == 0 or not costs then
    answers[#answers + 1] = 0
    answers[#answers + 1] = 0
  else
    redis.call('HDEL', KEYS[3], lease)
    redis.call('ZREM', KEYS[4], lease)
    for i = 1, n do
      local from = 2 + perLease * (i - 1)
      local used, says = tonumber(ARGV[at + 1 + 2 * i]), tonumber(ARGV[at + 2 + 2 * i])
      local difference = used < 0 and 0 or used - costs[from]
      if difference > 0 then chargeMore(pool, i, difference) end
      if difference < 0 then refund(pool, i, -difference, costs[1], costs[from + 1], false) end
      chargeForeign(i, costs[1], says)
    end
    if how == 1 and pool.rf then pool.rf = 0 end
    -- Additive increase while the gauge is really used; doubling until it was lowered once.
    if learnsConcurrency and how == 1 and held * 2 >= (pool.c or 50) then
      pool.c = math.min(10000, (pool.c or 50) + (pool.cd and 1 / pool.c or 1))
    end
    answers[#answers + 1] = 1
    answers[#answers + 1] = tellCircuit(lease, costs[1], how, waitUs)
  end
end
writePool(KEYS[1], pool)
return answers
