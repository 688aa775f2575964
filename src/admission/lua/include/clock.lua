-- Time of a pool in us since 2025-01-01 (a double's step is then below 0.01 us). Redis' clock is read once.
--
-- It never runs backwards, and it does not jump: Redis' clock is taken together with what the caller's own monotonic
-- clock says has passed since this pool last answered it (the anchor). A step of Redis' clock, or a failover to a server
-- whose clock is elsewhere, would otherwise refill every bucket, or stop time. `shift` is what was found out that way;
-- it heals by two thousandths of the time that passes, which is less than the margin kept of every rate.
local toleranceUs = 1000000 -- a call may be under way this long without looking like a step of the clock

local function redisTime(given)
  if given ~= '' then return tonumber(given) end
  local t = redis.call('TIME')
  return (tonumber(t[1]) - 1735689600) * 1000000 + tonumber(t[2])
end

-- anchor: seen = the pool's time that the caller was told last (0: never), low and high = at least and at most so much has
-- passed since. Returns now, shift, and whether the state is older than what the caller saw (a failover or a wipe).
local function poolTime(raw, lt, shift, seen, low, high)
  if lt > 0 and shift ~= 0 and raw + shift > lt then
    local heal = math.min(math.abs(shift), 0.002 * (raw + shift - lt))
    shift = shift > 0 and shift - heal or shift + heal
  end
  local now = raw + shift
  if seen > 0 then
    local most = math.max(seen + high, lt)
    if now > most + toleranceUs then now = most end
    now = math.max(now, seen + low)
  end
  now = math.max(now, lt)
  return now, now - raw, seen > 0 and lt < seen
end
