-- Keeps a value unless a newer one is there.
--
-- KEYS  1 the value: 16 digits of a version, then anything
-- ARGV  1 the new value, which begins likewise   2 its life in ms, > 0
--
-- Returns  1  it is kept, also when the same version was there: its life begins anew
--          0  what is there is newer; nothing was changed
-- What is there and is no value is replaced. Digits of equal width compare as text
-- exactly as the numbers do, in every locale.

local old = redis.pcall('GETRANGE', KEYS[1], 0, 15)
if type(old) == 'string' and string.find(old, '^%d+$') and #old == 16 and old > string.sub(ARGV[1], 1, 16) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
