-- Adds to a record, if nobody has since it was read.
--
-- KEYS  1 the record
-- ARGV  1 how many bytes it had, 0: it was not there   2 what is added
--       3 its life in ms from now, > 0
--
-- Returns  1  it was added
--          0  the record has another length by now; nothing was changed

if redis.call('STRLEN', KEYS[1]) ~= tonumber(ARGV[1]) then
  return 0
end
redis.call('APPEND', KEYS[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
