-- A circuit: hash with st = nil (closed) | open | half, un = open until, pr = lease of the probe, px = its expiry,
-- cg = when it last changed, cf = failures in a row, rs, ra = start of the ramp and calls granted in it, pu = paused until,
-- iso = an operator's reason, why = what opened it; ok<b>, no<b>, at<b> = calls of second b of the window.
local rampUs = 1000000
-- Calls that may start in the first, second and third second after closing; then all may.
local ramp = {4, 20, 84}

local circuitFields = {'st', 'un', 'pr', 'px', 'cg', 'cf', 'rs', 'ra', 'pu', 'iso', 'why'}

local function readCircuit(key)
  local got = redis.call('HMGET', key, unpack(circuitFields))
  local circuit = {}
  for at, name in ipairs(circuitFields) do circuit[name] = got[at] or nil end
  for _, name in ipairs({'un', 'px', 'cg', 'cf', 'rs', 'ra', 'pu'}) do circuit[name] = tonumber(circuit[name] or '') end
  return circuit
end

-- How many more calls the ramp lets go, and how long until its next step; nil: no ramp any more.
local function rampRoom(circuit, now)
  if not circuit.rs then return nil end
  local step = math.floor((now - circuit.rs) / rampUs) + 1
  if step > #ramp then return nil end
  return ramp[step] - (circuit.ra or 0), circuit.rs + step * rampUs - now
end
