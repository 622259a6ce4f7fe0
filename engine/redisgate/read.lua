-- Reads the counters of a campaign at one moment. It writes nothing.
--
-- KEYS  1 n, 2 s, 3 l, 4 x as in lease.lua
--
-- Returns  {1, n, units in all leases, used}
--          {0, 0, 0, 0}  there is no state, or it is damaged

local function whole(v) -- a number as INCRBY writes it, exact in a double, or nil
  if type(v) == 'string' and #v <= 16 and (v == '0' or string.find(v, '^%-?[1-9]%d*$')) then
    return tonumber(v)
  end
  return nil
end

local n = whole(redis.pcall('GET', KEYS[1]))
local s = redis.pcall('HMGET', KEYS[2], 'used')
local l = redis.pcall('HVALS', KEYS[3])
if not n or s.err or l.err or not whole(s[1]) then
  return {0, 0, 0, 0}
end
local leased = 0
for _, units in ipairs(l) do
  leased = leased + (whole(units) or 0)
end
return {1, n, leased, whole(s[1])}
