-- Makes a session that of this node, and tells the one that had it.
-- KEYS: the session. ARGV: this node, the channel of a node without its name, the pid.
-- Returns nil, or its owner before, and then the session and its base, if it has not
-- ended.
local was = redis.call('HMGET', KEYS[1], 'o', 's', 'b')
if not was[1] then
  return false
end
if not was[2] then
  return {was[1]}
end
redis.call('HSET', KEYS[1], 'o', ARGV[1])
if redis.call('PTTL', KEYS[1]) < 30000 then
  redis.call('PEXPIRE', KEYS[1], 30000) -- until it is kept again
end
if was[1] ~= ARGV[1] then
  redis.call('PUBLISH', ARGV[2] .. was[1] .. '#', 'moved:' .. ARGV[3])
end
return {was[1], was[2], was[3] or ''}
