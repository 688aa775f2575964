-- Counts the requests and tokens of one API key over a minute, all or nothing: in no minute, wherever it begins, more than the
-- limits. They are counted by the second, and a second counts until all of it is a minute ago.
--
-- KEYS  1 hash of the key: r<second> requests, t<second> tokens
-- ARGV  1 time: us since 2025-01-01, or empty   2 limit of requests   3 limit of tokens (either below 0: none)
--       4 requests asked for   5 tokens asked for
-- Returns granted (1 | 0), the second that was charged, requests and tokens in use now, us until it is worth asking again
--       (-1: never, it asks for more than a limit), us until nothing is in use
-- Time  Redis' own, read once; one that runs backwards frees nothing early
local us = tonumber(ARGV[1])
if us == nil then
  local t = redis.call('TIME')
  us = (tonumber(t[1]) - 1735689600) * 1000000 + tonumber(t[2])
end
local second = math.floor(us / 1000000)
local spans = 61

local slots = { r = {}, t = {} }
local used = { r = 0, t = 0 }
local seconds = {}
local flat = redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do
  local kind, at = string.sub(flat[i], 1, 1), tonumber(string.sub(flat[i], 2))
  if at <= second - spans then
    redis.call('HDEL', KEYS[1], flat[i])
  else
    slots[kind][at] = tonumber(flat[i + 1])
    used[kind] = used[kind] + tonumber(flat[i + 1])
    if kind == 'r' then table.insert(seconds, at) end
  end
end
table.sort(seconds)

-- Until so much of a kind is free that the asked for fits.
local function waitFor(kind, asked, limit)
  if limit < 0 or used[kind] + asked <= limit then return 0 end
  if asked > limit then return -1 end
  local left = used[kind]
  for _, at in ipairs(seconds) do
    left = left - (slots[kind][at] or 0)
    if left + asked <= limit then return (at + spans) * 1000000 - us end
  end
  return spans * 1000000
end

local requests, tokens = tonumber(ARGV[4]), tonumber(ARGV[5])
local waitRequests = waitFor('r', requests, tonumber(ARGV[2]))
local waitTokens = waitFor('t', tokens, tonumber(ARGV[3]))
local wait = math.max(waitRequests, waitTokens)
if waitRequests < 0 or waitTokens < 0 then wait = -1 end
local granted = wait == 0 and 1 or 0
if granted == 1 then
  used.r, used.t = used.r + requests, used.t + tokens
  redis.call('HINCRBY', KEYS[1], 'r' .. second, requests)
  redis.call('HINCRBY', KEYS[1], 't' .. second, tokens)
  redis.call('PEXPIRE', KEYS[1], (spans + 1) * 1000)
  table.insert(seconds, math.max(second, seconds[#seconds] or second))
end
local newest = seconds[#seconds]
local reset = newest == nil and 0 or (newest + spans) * 1000000 - us
return { granted, second, used.r, used.t, wait, reset }
