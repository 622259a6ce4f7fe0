-- Keeps a campaign's account, unless a newer one of the same log is kept, and
-- tells it. Accounts begin with 16 digits of the event that they end with, 16 of
-- the one that they begin behind, and the log's name behind its length: text that
-- compares as numbers do.
-- KEYS[1] the kept account; ARGV: channel, account to keep, message to tell
-- (empty: the account), what is told behind it, life in ms.
local new = ARGV[2]
if new ~= '' then
  local head = 33 + string.byte(new, 33)
  local old = redis.call('GETRANGE', KEYS[1], 0, head - 1)
  local newer = string.sub(old, 1, 16) > string.sub(new, 1, 16)
    or (string.sub(old, 1, 16) == string.sub(new, 1, 16) and string.sub(old, 17, 32) < string.sub(new, 17, 32))
  if not (newer and string.sub(old, 33) == string.sub(new, 33, head)) then
    redis.call('SET', KEYS[1], new, 'PX', ARGV[5])
  end
end
local message = ARGV[3]
if message == '' then message = new end
return redis.call('PUBLISH', ARGV[1], message .. ARGV[4])
