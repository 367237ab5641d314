-- Keeps a session, or its end, unless it is another node's or has ended.
-- KEYS: the session. ARGV: this node, the session or "", milliseconds to keep it.
local was = redis.call('HMGET', KEYS[1], 'o', 's')
if was[1] and (was[1] ~= ARGV[1] or not was[2]) then
  return 0
end
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], 's', 'b')
  redis.call('HSET', KEYS[1], 'o', ARGV[1])
else
  redis.call('HDEL', KEYS[1], 'b')
  redis.call('HSET', KEYS[1], 'o', ARGV[1], 's', ARGV[2])
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
