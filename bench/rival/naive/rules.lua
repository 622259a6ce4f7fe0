-- The rules as Redis has them. A place is a line: off state rank ticket ver.
-- off is when it was claimed, in us, and names it; ver is when it last changed.
-- Answers {what, position in the list, the member's line, changes ("line member") ...}.
local state, members, list = KEYS[1], KEYS[2], KEYS[3]
local op, fence, member = ARGV[1], ARGV[2] == 'fence', ARGV[3]
local changes = {}

local function whole(n) return string.format('%.0f', n) end
local function number(field) return tonumber(redis.call('HGET', state, field) or 0) end
local function run_id() return string.match(redis.call('INFO', 'server'), 'run_id:(%w+)') end

local function known()
  if fence then return redis.call('HGET', state, 'run') == run_id() end
  return redis.call('EXISTS', state) == 1
end

local function stamp() -- rises, whatever the clock does
  local t = redis.call('TIME')
  local now = whole(math.max(t[1] * 1000000 + t[2], number('last') + 1))
  redis.call('HSET', state, 'last', now)
  return now
end

local function place(who)
  local line = redis.call('HGET', members, who)
  if not line then return nil end
  local off, what, rank, ticket = string.match(line, '^(%d+) (%a+) (%d+) (%d+)')
  return {off = off, state = what, rank = rank, ticket = ticket}
end

local function put(who, p)
  local line = table.concat({p.off, p.state, p.rank, p.ticket, stamp()}, ' ')
  redis.call('HSET', members, who, line)
  changes[#changes + 1] = line .. ' ' .. who
end

local function open_for(status) return status == 'open' or status == 'closed' end

local function settle() -- nobody waits while a place is free
  local cap = number('cap')
  while open_for(redis.call('HGET', state, 'status')) and redis.call('ZCARD', list) > 0 and (cap < 0 or number('n') < cap) do
    local who = redis.call('ZPOPMIN', list)[1]
    local p = place(who)
    redis.call('HINCRBY', state, 'n', 1)
    p.state, p.rank = 'granted', redis.call('HINCRBY', state, 'seq', 1)
    put(who, p)
  end
end

local function answer(what)
  local at = redis.call('ZRANK', list, member)
  local out = {what, at and at + 1 or 0, redis.call('HGET', members, member) or ''}
  for i = 1, #changes do out[#out + 1] = changes[i] end
  return out
end

local function define(from) -- status, cap (-1: none), list's cap, reclaim
  redis.call('HSET', state, 'status', ARGV[from], 'cap', ARGV[from + 1], 'wcap', ARGV[from + 2], 'reclaim', ARGV[from + 3])
end

local function load() -- a definition, and with it the places of the book
  if known() then return answer('done') end
  redis.call('DEL', state, members, list)
  define(4)
  redis.call('HSET', state, 'run', run_id(), 'n', 0, 'seq', 0, 'wseq', 0)
  for i = 8, #ARGV do
    local line, who = string.match(ARGV[i], '^(%d+ %a+ %d+ %d+ %d+) (.+)$')
    local what, rank, ticket, ver = string.match(line, '^%d+ (%a+) (%d+) (%d+) (%d+)')
    redis.call('HSET', members, who, line)
    redis.call('HSET', state, 'seq', whole(math.max(number('seq'), rank)), 'wseq', whole(math.max(number('wseq'), ticket)),
      'last', whole(math.max(number('last'), ver)))
    if what == 'granted' then redis.call('HINCRBY', state, 'n', 1) end
    if what == 'waitlisted' then redis.call('ZADD', list, ticket, who) end
  end
  return answer('done')
end

local function claim(wait)
  local before = place(member)
  if before and before.state ~= 'cancelled' then return answer('repeated') end
  local status = redis.call('HGET', state, 'status')
  if status ~= 'open' then return answer(status) end
  if before and redis.call('HGET', state, 'reclaim') == 'refused' then return answer('refused') end
  local cap, wcap, waiting = number('cap'), number('wcap'), redis.call('ZCARD', list)
  local n = redis.call('HINCRBY', state, 'n', 1)
  if cap < 0 or (n <= cap and waiting == 0) then
    put(member, {off = stamp(), state = 'granted', rank = redis.call('HINCRBY', state, 'seq', 1), ticket = 0})
    return answer('granted')
  end
  redis.call('HINCRBY', state, 'n', -1)
  if wcap == 0 then return answer('full-none') end
  if waiting >= wcap then return answer('full-full') end
  if not wait then return answer('full-open') end
  local ticket = redis.call('HINCRBY', state, 'wseq', 1)
  redis.call('ZADD', list, ticket, member)
  put(member, {off = stamp(), state = 'waitlisted', rank = 0, ticket = ticket})
  return answer('waitlisted')
end

local function cancel()
  local p = place(member)
  if not p then return answer('none') end
  if p.state == 'granted' then redis.call('HINCRBY', state, 'n', -1) end
  if p.state == 'waitlisted' then redis.call('ZREM', list, member) end
  if p.state ~= 'cancelled' then
    p.state = 'cancelled'
    put(member, p)
    settle()
  end
  return answer('cancelled')
end

if op == 'load' then return load() end
if not known() then return {'unknown', 0, ''} end
if op == 'shape' then define(4); settle(); return answer('done') end
if op == 'claim' then return claim(ARGV[4] == 'wait') end
if op == 'cancel' then return cancel() end
return answer('done') -- look
