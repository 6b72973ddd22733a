-- read: everything a fill must know, in one round trip. A whole fleet may run it at the
-- same moment, so it asks for no more than there is. With a lock value it takes the lock
-- where there is neither a token nor a failure: nobody comes between the two, so that what
-- was read still holds. Without one it writes nothing.
-- KEYS: 1 token, 2 lock, 3 failure
-- ARGV: 1 'all': also what only people want to know of the token, else empty
--       2 lock value, of which each look has its own, 3 lease (ms); or neither
-- Returns: now (ms), token PTTL, {token fields}, lock PTTL (before it was taken),
--          failure PTTL, {failure fields}, whether the lock was taken ('1' or '0')
--          (times as strings: an embedded Redis cuts an integer to the machine's word)
local token, failure = {}, {}

local token_ttl = redis.call('PTTL', KEYS[1])
if token_ttl ~= -2 then
	if ARGV[1] == 'all' then
		token = redis.pcall('HMGET', KEYS[1], 'sealed', 'fingerprint', 'life', 'sum', 'checked_at', 'ends_at', 'fetched_by', 'fetched_at', 'window', 'issuer_url')
	else
		token = redis.pcall('HMGET', KEYS[1], 'sealed', 'fingerprint', 'life', 'sum', 'checked_at', 'ends_at')
	end
	if token.err then
		return redis.error_reply(token.err .. ' (' .. KEYS[1] .. ')')
	end
end

local failure_ttl = redis.call('PTTL', KEYS[3])
if failure_ttl ~= -2 then
	failure = redis.pcall('HMGET', KEYS[3], 'until', 'attempts', 'issuer', 'class', 'code', 'status', 'message', 'log_id', 'advice', 'local', 'by', 'refused', 'issuer_url')
	if failure.err then
		return redis.error_reply(failure.err .. ' (' .. KEYS[3] .. ')')
	end
end

local lock_ttl = redis.call('PTTL', KEYS[2])
if lock_ttl == -1 or lock_ttl > 5000 then -- the caller will give it a TTL, if it is a lock
	local kind = redis.call('TYPE', KEYS[2]).ok
	if kind ~= 'string' then
		return redis.error_reply('WRONGTYPE ' .. KEYS[2] .. ' is a ' .. kind)
	end
end

local taken = '0'
if ARGV[2] then
	local empty = token_ttl == -2 and failure_ttl == -2
	if lock_ttl == -2 then
		if empty and redis.call('SET', KEYS[2], ARGV[2], 'NX', 'PX', ARGV[3]) then
			taken = '1'
		end
	else
		local holder = redis.pcall('GET', KEYS[2])
		if type(holder) == 'table' then -- an error: it is no lock
			if empty then
				return redis.error_reply(holder.err .. ' (' .. KEYS[2] .. ')')
			end
		elseif holder == ARGV[2] then -- the reply was lost, and the client has sent this again
			if empty then
				taken = '1'
			else
				redis.call('DEL', KEYS[2]) -- nobody else knows of it
			end
		end
	end
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return {
	string.format('%.0f', now),
	string.format('%.0f', token_ttl), token,
	string.format('%.0f', lock_ttl),
	string.format('%.0f', failure_ttl), failure, taken,
}
