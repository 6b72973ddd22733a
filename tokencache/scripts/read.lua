-- read: everything a fill must know, in one round trip. Writes nothing.
-- KEYS: 1 token, 2 lock, 3 failure
-- Returns: now (ms), token PTTL, {token fields}, lock PTTL, failure PTTL, {failure fields}
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'hash' then
	return redis.error_reply('WRONGTYPE ' .. KEYS[1] .. ' is a ' .. kind)
end
kind = redis.call('TYPE', KEYS[3]).ok
if kind ~= 'none' and kind ~= 'hash' then
	return redis.error_reply('WRONGTYPE ' .. KEYS[3] .. ' is a ' .. kind)
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return {
	now,
	redis.call('PTTL', KEYS[1]),
	redis.call('HMGET', KEYS[1], 'app_access_token', 'tenant_access_token', 'fingerprint', 'life', 'fetched_by', 'fetched_at', 'checked_at'),
	redis.call('PTTL', KEYS[2]),
	redis.call('PTTL', KEYS[3]),
	redis.call('HMGET', KEYS[3], 'until', 'attempts', 'issuer', 'class', 'code', 'status', 'message', 'log_id', 'advice', 'local', 'by'),
}
