"""Lua scripts: what must be one step in Redis, each with its reason. Keys are made from the prefix in ARGV[1].

Not for Redis Cluster: a script touches keys of several destinations. Scripts that only the sender may run begin with `_FENCE`:
the lease is checked in the same step as the write, so that a process that was suspended past its lease changes nothing.
"""

from __future__ import annotations

from typing import Final

# The sender's scripts may run when memory is full, because sending frees it.
_WHEN_FULL: Final = "#!lua flags=allow-oom\n"
_FENCE: Final = (
    _WHEN_FULL
    + """
local p = ARGV[1]
if redis.call('GET', p .. ':lease') ~= ARGV[2] then return redis.error_reply('LOST') end
"""
)
# State is divided into hashes, so that one kind can be read alone; ':buckets' lists them.
_STATE: Final = """
local function write_state(first, last)
  for i = first, last, 3 do
    if ARGV[i + 2] == '' then redis.call('HDEL', p .. ':state:' .. ARGV[i], ARGV[i + 1])
    else
      redis.call('SADD', p .. ':buckets', ARGV[i])
      redis.call('HSET', p .. ':state:' .. ARGV[i], ARGV[i + 1], ARGV[i + 2])
    end
  end
end
"""
# Entries are deleted from stream and group, and the sums updated, in one step: the process may end at any moment.
_DELETE: Final = """
local function delete(name, first, last)
  local stream, gone = p .. ':in:' .. name, 0
  for i = first, last, 500 do
    local ids = {unpack(ARGV, i, math.min(i + 499, last))}
    redis.call('XACK', stream, 'senders', unpack(ids))
    gone = gone + redis.call('XDEL', stream, unpack(ids))
  end
  return gone
end
local function shrink(count, bytes)
  if count == 0 then return end
  redis.call('HINCRBY', p .. ':sums', 'entries', -count)
  redis.call('HINCRBY', p .. ':sums', 'bytes', -bytes)
end
"""

# One sequence of ids for all streams, because entries are known by their number alone; it grows even when the clock is set back.
_NEXT_ID: Final = """
local sums = redis.call('HMGET', p .. ':sums', 'entries', 'bytes', 'ms', 'seq')
for i = 1, 4 do sums[i] = tonumber(sums[i] or 0) or 0 end
local entries, bytes, ms, seq = unpack(sums)
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if now > ms then ms, seq = now, 0 end
local function next_id()
  seq = seq + 1
  if seq > 1000000 then ms, seq = ms + 1, 1 end
  return string.format('%.0f-%.0f', ms, seq)
end
"""

# One step, because a group whose answer was lost must not be stored twice, and the bounds hold for all processes together.
# ARGV: prefix, db, marker, number of the group, most entries, most bytes, then name, facts, size, event of each.
PUT: Final = (
    """
local p = ARGV[1]
local marker = p .. ':put:' .. ARGV[3]
for _, key in ipairs({marker, p .. ':shut:' .. ARGV[3]}) do
  local last = redis.call('GET', key)
  if last and tonumber(last) >= tonumber(ARGV[4]) then return 0 end
end
"""
    + _NEXT_ID
    + """
if entries >= tonumber(ARGV[5]) or bytes >= tonumber(ARGV[6]) then return redis.error_reply('FULL') end
local known = {}
for i = 7, #ARGV, 4 do
  if not known[ARGV[i]] then
    known[ARGV[i]] = true
    redis.call('SADD', p .. ':destinations', ARGV[i])
  end
  redis.call('XADD', p .. ':in:' .. ARGV[i], next_id(), 'm', ARGV[i + 1], 'e', ARGV[i + 3])
  entries = entries + 1
  bytes = bytes + tonumber(ARGV[i + 2])
end
redis.call('HSET', p .. ':sums', 'entries', entries, 'bytes', bytes, 'ms', ms, 'seq', seq)
redis.call('SET', marker, ARGV[4], 'EX', 604800)
redis.call('PUBLISH', p .. ':news:' .. ARGV[2], 'put')
return 1
"""
)

# Whether a group was stored; if not, it is refused from now on, because its call may still be under way, to a Redis that
# hangs, say. ARGV: prefix, marker, number of the group.
IS_PUT: Final = """
local last = redis.call('GET', ARGV[1] .. ':put:' .. ARGV[2])
if last and tonumber(last) >= tonumber(ARGV[3]) then return 1 end
redis.call('SET', ARGV[1] .. ':shut:' .. ARGV[2], ARGV[3], 'EX', 604800)
return 0
"""

# One step, because reading for a group assigns entries to the reader: without the lease it would take them from the sender.
# ARGV: prefix, lease, consumer, how many.
READ: Final = (
    _FENCE
    + """
local found = {}
for _, name in ipairs(redis.call('SMEMBERS', p .. ':destinations')) do
  local stream = p .. ':in:' .. name
  local read = redis.pcall('XREADGROUP', 'GROUP', 'senders', ARGV[3], 'COUNT', ARGV[4], 'STREAMS', stream, '>')
  if read and read.err then
    redis.pcall('XGROUP', 'CREATE', stream, 'senders', '0', 'MKSTREAM')
    read = redis.call('XREADGROUP', 'GROUP', 'senders', ARGV[3], 'COUNT', ARGV[4], 'STREAMS', stream, '>')
  end
  if read then found[#found + 1] = {name, read[1][2]} end
end
return found
"""
)

# Takes over what an earlier sender had read. ARGV: prefix, lease, consumer, destination, from which id, how many.
TAKE_OVER: Final = (
    _FENCE
    + """
local stream = p .. ':in:' .. ARGV[4]
redis.pcall('XGROUP', 'CREATE', stream, 'senders', '0', 'MKSTREAM')
local claimed = redis.call('XAUTOCLAIM', stream, 'senders', ARGV[3], 0, ARGV[5], 'COUNT', ARGV[6])
if claimed[1] == '0-0' then
  for _, consumer in ipairs(redis.call('XINFO', 'CONSUMERS', stream, 'senders')) do
    -- Field and value in turn: name, pending. One per process that ever sent would stay for good.
    if consumer[4] == 0 and consumer[2] ~= ARGV[3] then
      redis.call('XGROUP', 'DELCONSUMER', stream, 'senders', consumer[2])
    end
  end
end
return {claimed[1], claimed[2]}
"""
)

# Fenced, and with the time of Redis: the windows of Discord's limits outlive the sender, and the next one has another clock.
# ARGV: prefix, lease, destination, the seal or ''.
SEND: Final = (
    _FENCE
    + """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local sends = p .. ':sends:' .. ARGV[3]
redis.call('ZADD', sends, now, now .. '-' .. time[2] .. '-' .. ARGV[2])
redis.call('ZREMRANGEBYSCORE', sends, '-inf', now - 300000)
redis.call('EXPIRE', sends, 600)
if ARGV[4] ~= '' then redis.call('HSET', p .. ':seals', ARGV[3], ARGV[4]) end
return now
"""
)

# What was learned of Discord's limits; its age follows from the remaining time to live, without any machine's clock.
# ARGV: prefix, lease, destination, text, seconds.
KEEP_LIMITS: Final = (
    _FENCE
    + """
redis.call('SET', p .. ':limits:' .. ARGV[3], ARGV[4], 'EX', ARGV[5])
return 1
"""
)

# ARGV: prefix, lease, destination.
UNSEAL: Final = (
    _FENCE
    + """
return redis.call('HDEL', p .. ':seals', ARGV[3])
"""
)

# One step, because entries and the state of their cards are stored together or not at all.
# ARGV: prefix, lease, destination, bytes, whether the seal ends, number of ids, ids, then bucket, key, value of state.
ACK: Final = (
    _FENCE
    + _STATE
    + _DELETE
    + """
local last = 6 + tonumber(ARGV[6])
write_state(last + 1, #ARGV)
shrink(delete(ARGV[3], 7, last), tonumber(ARGV[4]))
if ARGV[5] == '1' then redis.call('HDEL', p .. ':seals', ARGV[3]) end
return 1
"""
)

# Without the lease, to forget a person. Several processes may do so at once: only what was there counts in the sums.
# ARGV: prefix, destination, then id and bytes of each.
DROP: Final = (
    "local p = ARGV[1]"
    + _DELETE
    + """
local count, bytes = 0, 0
for i = 3, #ARGV, 2 do
  if delete(ARGV[2], i, i) == 1 then
    count = count + 1
    bytes = bytes + tonumber(ARGV[i + 1])
  end
end
shrink(count, bytes)
return count
"""
)

# As ACK, into the dead letters. ARGV: prefix, lease, destination, bytes, whether the seal ends, number of ids, ids, most
# letters, reason, time, then the events.
BURY: Final = (
    _FENCE
    + _DELETE
    + """
local last = 6 + tonumber(ARGV[6])
local gone = delete(ARGV[3], 7, last)
-- Done already by a call whose answer was lost.
if gone == 0 then return 1 end
for i = last + 4, #ARGV do
  redis.call('XADD', p .. ':dead', '*', 'd', ARGV[3], 'r', ARGV[last + 2], 't', ARGV[last + 3], 'e', ARGV[i])
end
redis.call('XTRIM', p .. ':dead', 'MAXLEN', '=', ARGV[last + 1])
shrink(gone, tonumber(ARGV[4]))
if ARGV[5] == '1' then redis.call('HDEL', p .. ':seals', ARGV[3]) end
return 1
"""
)

# A dead letter becomes an entry in one step: the process may end at any moment, and two may do so at once.
# ARGV: prefix, db, then id of the letter, name, facts, size of each. Returns the ids that were there.
REPLAY: Final = (
    "local p = ARGV[1]"
    + _NEXT_ID
    + """
local found = {}
for i = 3, #ARGV, 4 do
  local letter = redis.call('XRANGE', p .. ':dead', ARGV[i], ARGV[i])[1]
  if letter then
    local text
    for f = 1, #letter[2], 2 do if letter[2][f] == 'e' then text = letter[2][f + 1] end end
    redis.call('SADD', p .. ':destinations', ARGV[i + 1])
    redis.call('XADD', p .. ':in:' .. ARGV[i + 1], next_id(), 'm', ARGV[i + 2], 'e', text)
    redis.call('XDEL', p .. ':dead', ARGV[i])
    entries = entries + 1
    bytes = bytes + tonumber(ARGV[i + 3])
    found[#found + 1] = ARGV[i]
  end
end
redis.call('HSET', p .. ':sums', 'entries', entries, 'bytes', bytes, 'ms', ms, 'seq', seq)
redis.call('PUBLISH', p .. ':news:' .. ARGV[2], 'put')
return found
"""
)

# One step, so that an event is never in both places or in none.
# ARGV: prefix, lease, source, target, bytes of those that end here, number of those, their ids, then the ids that move.
MOVE: Final = (
    _FENCE
    + _DELETE
    + _NEXT_ID
    + """
local last = 6 + tonumber(ARGV[6])
redis.call('SADD', p .. ':destinations', ARGV[4])
local moved = 0
for i = last + 1, #ARGV do
  local row = redis.call('XRANGE', p .. ':in:' .. ARGV[3], ARGV[i], ARGV[i])[1]
  if row then
    redis.call('XADD', p .. ':in:' .. ARGV[4], next_id(), unpack(row[2]))
    moved = moved + 1
  end
end
redis.call('HSET', p .. ':sums', 'ms', ms, 'seq', seq)
local gone = delete(ARGV[3], 7, last)
delete(ARGV[3], last + 1, #ARGV)
shrink(gone, tonumber(ARGV[5]))
return moved
"""
)

# Every process may set choices; the others are told. ARGV: prefix, db, sender of the news, then bucket, key, value.
WRITE_STATE: Final = (
    "local p = ARGV[1]"
    + _STATE
    + """
write_state(4, #ARGV)
redis.call('PUBLISH', p .. ':news:' .. ARGV[2], 'state ' .. ARGV[3] .. ' ' .. redis.call('HINCRBY', p .. ':sums', 'changes', 1))
return 1
"""
)

# State about channels, such as cards, only the sender may write. ARGV: prefix, lease, then bucket, key, value.
WRITE_SENDER_STATE: Final = (
    _FENCE
    + _STATE
    + """
write_state(3, #ARGV)
return 1
"""
)

# One step, because two processes must not both get it. The sums are corrected: entries deleted by hand would count for good.
# ARGV: prefix, db, instance, milliseconds, codec.
ACQUIRE: Final = (
    _WHEN_FULL
    + """
local p = ARGV[1]
local now = redis.call('MGET', p .. ':lease', p .. ':codec')
if now[1] then return {0, now[1]} end
-- Rows of a newer version wait for a process that can read them.
if tonumber(now[2] or 0) > tonumber(ARGV[5]) then return {0, ''} end
local token = redis.call('INCR', p .. ':token')
local lease = token .. ':' .. ARGV[3]
redis.call('SET', p .. ':lease', lease, 'PX', ARGV[4])
local entries, bytes = 0, tonumber(redis.call('HGET', p .. ':sums', 'bytes') or 0) or 0
for _, name in ipairs(redis.call('SMEMBERS', p .. ':destinations')) do
  entries = entries + redis.call('XLEN', p .. ':in:' .. name)
end
redis.call('HSET', p .. ':sums', 'entries', entries, 'bytes', entries == 0 and 0 or string.format('%.0f', bytes))
redis.call('PUBLISH', p .. ':news:' .. ARGV[2], 'beat ' .. lease .. ' 0 ' .. ARGV[5])
return {token, lease}
"""
)

# One step, because a lease that another process took meanwhile must not be extended.
# ARGV: prefix, lease, db, milliseconds, codec.
RENEW: Final = (
    _WHEN_FULL
    + """
local p = ARGV[1]
local now = redis.call('MGET', p .. ':lease', p .. ':codec')
if now[1] ~= ARGV[2] then return redis.error_reply('LOST') end
if tonumber(now[2] or 0) > tonumber(ARGV[5]) then
  redis.call('DEL', p .. ':lease')
  redis.call('PUBLISH', p .. ':news:' .. ARGV[3], 'free')
  return redis.error_reply('LOST')
end
redis.call('PEXPIRE', p .. ':lease', ARGV[4])
local sums = redis.call('HMGET', p .. ':sums', 'entries', 'changes')
redis.call('PUBLISH', p .. ':news:' .. ARGV[3], 'beat ' .. ARGV[2] .. ' ' .. (sums[2] or 0) .. ' ' .. ARGV[5])
return {tonumber(sums[1] or 0), tonumber(sums[2] or 0)}
"""
)

# Only one's own lease may be given up. ARGV: prefix, lease, db.
RELEASE: Final = (
    _WHEN_FULL
    + """
local p = ARGV[1]
if redis.call('GET', p .. ':lease') ~= ARGV[2] then return 0 end
redis.call('DEL', p .. ':lease')
redis.call('PUBLISH', p .. ':news:' .. ARGV[3], 'free')
return 1
"""
)
