-- Reports what a node's fold knows of a campaign. Every number is absolute, so it
-- also repairs: first contact, FLUSHALL, failover, keys of a wrong type, damaged values.
--
-- KEYS  1 n  the cap's counter: used + live leases
--       2 s  hash topic, off, used, room, open, at: the newest report of a fold
--       3 l  hash lease -> units
--       4 x  sorted set lease -> deadline (ms of Redis' own time)
-- ARGV  1 lease   2 units it still holds   3 ttl in ms
--       4 topic   5 the fold's next offset   6 used   7 room, -1 without bound   8 open, 0 or 1
--       9 life in ms: when keys that nobody touches any more expire
--
-- Returns  n, the counter as it is now

local CONFIRM = 1000 -- ms: a report that no node confirmed for so long may be replaced by an older one
local LEASES = 1000  -- more leases than a cluster has nodes: damage, forgotten as a whole

local function whole(v) -- a number as INCRBY writes it, exact in a double, or nil
  if type(v) == 'string' and #v <= 16 and (v == '0' or string.find(v, '^%-?[1-9]%d*$')) then
    return tonumber(v)
  end
  return nil
end

local function digits(v)
  return string.format('%.0f', v)
end

local types = {'string', 'hash', 'hash', 'zset'}
for i, want in ipairs(types) do
  local is = redis.call('TYPE', KEYS[i])
  is = type(is) == 'table' and is.ok or is
  if is ~= want and is ~= 'none' then
    redis.call('DEL', KEYS[i])
  end
end
if redis.call('HLEN', KEYS[3]) > LEASES or redis.call('ZCARD', KEYS[4]) > LEASES then
  redis.call('DEL', KEYS[3], KEYS[4])
end

local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local last = now + tonumber(ARGV[3]) -- no sound deadline is later

-- My own lease, as I hold it.
if tonumber(ARGV[2]) > 0 then
  redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
  redis.call('ZADD', KEYS[4], digits(last), ARGV[1])
else
  redis.call('HDEL', KEYS[3], ARGV[1])
  redis.call('ZREM', KEYS[4], ARGV[1])
end

-- All leases: the sum of the live ones; the dead and the damaged are forgotten.
local deadlines = {}
local scores = redis.call('ZRANGE', KEYS[4], 0, -1, 'WITHSCORES')
for i = 1, #scores, 2 do
  deadlines[scores[i]] = tonumber(scores[i + 1]) or last + 1
end
local leased = 0
local leases = redis.call('HGETALL', KEYS[3])
for i = 1, #leases, 2 do
  local lease, units, deadline = leases[i], whole(leases[i + 1]), deadlines[leases[i]]
  if not deadline or deadline <= now or not units or units <= 0 then
    redis.call('HDEL', KEYS[3], lease) -- its deadline, if there is one, goes below
  else
    if deadline > last then
      redis.call('ZADD', KEYS[4], digits(last), lease)
    end
    leased = leased + units
    deadlines[lease] = nil
  end
end
for lease in pairs(deadlines) do
  redis.call('ZREM', KEYS[4], lease)
end

-- The report, unless a newer one of the same log is there and was confirmed lately.
local s = redis.call('HMGET', KEYS[2], 'topic', 'off', 'used', 'room', 'open', 'at')
local off, used, room, at = whole(s[2]), whole(s[3]), whole(s[4]), whole(s[6])
local sound = off and used and used >= 0 and room and room >= -1 and at and (s[5] == '0' or s[5] == '1')
if not sound or s[1] ~= ARGV[4] or tonumber(ARGV[5]) >= off or math.abs(now - at) >= CONFIRM then
  if not sound then
    redis.call('DEL', KEYS[2])
  end
  used = tonumber(ARGV[6])
  redis.call('HSET', KEYS[2], 'topic', ARGV[4], 'off', ARGV[5], 'used', ARGV[6], 'room', ARGV[7], 'open', ARGV[8],
    'at', digits(now))
end

local n = used + leased
redis.call('SET', KEYS[1], digits(n), 'PX', ARGV[9])
for i = 2, 4 do
  redis.call('PEXPIRE', KEYS[i], ARGV[9])
end
return n
