-- Gives a broadcast its number, keeps it and publishes it.
-- KEYS: the counter, the logs. ARGV: channel, message without its last element,
-- events to keep, milliseconds to keep them, "large" if it is too large to be kept.
-- A number is the time in units of 16 microseconds, or one more than the last: so they
-- grow also when Redis has lost the last one.
local t = redis.call('TIME')
local last = tonumber(redis.call('GET', KEYS[1]) or '0')
local n = string.format('%.0f', math.max(last + 1, t[1] * 62500 + math.floor(t[2] / 16)))
redis.call('SET', KEYS[1], n, 'PX', ARGV[4])
local message = ARGV[2] .. string.char(160 + #n) .. n
local kept = message
if ARGV[5] == 'large' then kept = '' end
for i = 2, #KEYS do
  local added = redis.pcall('XADD', KEYS[i], 'MAXLEN', '~', ARGV[3], n .. '-0', 'm', kept)
  if type(added) == 'table' and added.err then
    -- The log is from a time with greater numbers: what it had is lost, and says so.
    redis.call('DEL', KEYS[i])
    redis.call('XADD', KEYS[i], n .. '-0', 'm', '')
  end
  redis.call('PEXPIRE', KEYS[i], ARGV[4])
end
redis.call('PUBLISH', ARGV[1], message)
return n
