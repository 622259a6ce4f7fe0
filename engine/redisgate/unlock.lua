-- Gives many Redsync locks back in one call: for each what Redsync's own release script does.
--
-- KEYS  the locks, all in one slot
-- ARGV  for each key the value that its lock was taken with
--
-- Returns for each key
--          1  the lock was ours and is free now
--          0  somebody else holds it
--         -1  nobody holds it: it has expired

local answers = {}
for i, key in ipairs(KEYS) do
  local value = redis.pcall('GET', key)
  if value == ARGV[i] then
    answers[i] = redis.call('DEL', key)
  else
    answers[i] = value and 0 or -1
  end
end
return answers
