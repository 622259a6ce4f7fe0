-- Lends units of a campaign's cap to a node.
--
-- KEYS  1 n  the cap's counter: used + live leases
--       2 s  hash topic, off, used, room, open, at: the newest report of a fold
--       3 l  hash lease -> units
--       4 x  sorted set lease -> deadline (ms of Redis' own time)
-- ARGV  1 lease   2 units wanted, >= 1   3 ttl in ms   4 slack
--       5 life in ms: when keys that nobody touches any more expire
--
-- Returns  units given, 0 .. wanted
--          -1  there is no state, or it is damaged: a flush heals it
--          -2  the campaign is not open
-- It writes nothing unless every value it needs is sound.

local function whole(v) -- a number as INCRBY writes it, exact in a double, or nil
  if type(v) == 'string' and #v <= 16 and (v == '0' or string.find(v, '^%-?[1-9]%d*$')) then
    return tonumber(v)
  end
  return nil
end

local n = whole(redis.pcall('GET', KEYS[1]))
local s = redis.pcall('HMGET', KEYS[2], 'room', 'open')
local held = redis.pcall('HGET', KEYS[3], ARGV[1])
local deadline = redis.pcall('ZSCORE', KEYS[4], ARGV[1])
if not n or n < 0 or s.err or type(held) == 'table' or type(deadline) == 'table' then
  return -1
end
local room, open = whole(s[1]), s[2]
if not room or room < -1 or (held and not whole(held)) then
  return -1
end
if open ~= '1' then
  return open == '0' and -2 or -1
end

local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)

-- Give back what nobody reported in time; 50 a call, so that no call is long.
local freed = 0
for _, lease in ipairs(redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, 50)) do
  freed = freed + math.max(whole(redis.call('HGET', KEYS[3], lease)) or 0, 0)
  redis.call('HDEL', KEYS[3], lease)
  redis.call('ZREM', KEYS[4], lease)
end
freed = math.min(freed, n)

local give = tonumber(ARGV[2])
if room >= 0 then
  give = math.max(0, math.min(give, room + tonumber(ARGV[4]) - (n - freed)))
end
if give ~= freed then
  redis.call('INCRBY', KEYS[1], string.format('%.0f', give - freed))
end
if give > 0 then
  redis.call('HINCRBY', KEYS[3], ARGV[1], string.format('%.0f', give))
  redis.call('ZADD', KEYS[4], string.format('%.0f', now + tonumber(ARGV[3])), ARGV[1])
  redis.call('PEXPIRE', KEYS[3], ARGV[5])
  redis.call('PEXPIRE', KEYS[4], ARGV[5])
end
return give
