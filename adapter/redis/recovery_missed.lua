-- Returns the number of the last event, and the events of some logs. In the session it
-- notes up to where its owner hands out what is in the log.
-- KEYS: the session, the counter, the logs. ARGV: this node, its number that goes
-- with that, events that are kept in a log, events and bytes to return at most,
-- milliseconds that events are kept, and for each log the first number to return.
if redis.call('HGET', KEYS[1], 'o') ~= ARGV[1] then
  return 'gone'
end
local t = redis.call('TIME')
local oldest = t[1] * 62500 + math.floor(t[2] / 16) - tonumber(ARGV[6]) * 62.5
local n = redis.call('GET', KEYS[2]) or '0'
local events, bytes = {n}, 0
for i = 3, #KEYS do
  local from = math.max(tonumber(ARGV[i + 4]), math.floor(oldest))
  if redis.call('XLEN', KEYS[i]) >= tonumber(ARGV[3]) then
    local first = redis.call('XRANGE', KEYS[i], '-', '+', 'COUNT', 1)[1]
    if first and tonumber(string.match(first[1], '^%d+')) > from then
      return 'trimmed'
    end
  end
  local left = tonumber(ARGV[4]) - #events + 2
  for _, event in ipairs(redis.call('XRANGE', KEYS[i], string.format('%.0f', from), '+', 'COUNT', left)) do
    local message = event[2][2]
    bytes = bytes + #message
    events[#events + 1] = message
    if message == '' or bytes > tonumber(ARGV[5]) or #events - 1 > tonumber(ARGV[4]) then
      return 'trimmed'
    end
  end
end
redis.call('HSET', KEYS[1], 'b', ARGV[1] .. ':' .. ARGV[2] .. ':' .. n)
return events
