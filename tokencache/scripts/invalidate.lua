-- invalidate: a token was refused by those who should accept it. Drops it if it
-- is the stored one, and leaves a tombstone so that a slow publish of the same
-- token, asked for before now, is refused. Fresh tokens that are rejected one after
-- the other are paced like failures of the issuer: the second leaves a failure, by
-- which nobody asks for another for a while, and each further one a longer one.
-- KEYS: 1 token, 2 rejected:<fingerprint>, 3 failure, 4 refused
-- ARGV: 1 fingerprint, 2 nonce, 3 cool-down (ms), 4 longest cool-down (ms),
--       5 remaining life (ms) as far as the caller knows,
--       6 age (ms) below which a token of four times that life is fresh, 7 base (ms), 8 cap (ms) of the pace,
--       9 jitter (0 to 999), 10 issuer, 11 advice, 12 by
-- Returns: outcome: 'dropped', 'paced' (dropped, and the next is to wait), 'other'
--          (something else, or nothing, is stored) or 'cooldown' (rejected a moment
--          ago, and handed out again since)
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'hash' then
	return redis.error_reply('WRONGTYPE ' .. KEYS[1] .. ' is a ' .. kind)
end
local failure_kind, refused_kind = redis.call('TYPE', KEYS[3]).ok, redis.call('TYPE', KEYS[4]).ok
local can_pace = (failure_kind == 'none' or failure_kind == 'hash') and (refused_kind == 'none' or refused_kind == 'string')

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local stored = redis.call('HGET', KEYS[1], 'fingerprint') == ARGV[1]
local tombstone = redis.call('GET', KEYS[2]) or ''
local at, count, nonce, was = string.match(tombstone, '^(%d+) (%d+) (%S+) (%S+)$')
if nonce == ARGV[2] then -- a replay: its reply was lost
	return { was }
end

count = tonumber(count) or 0
local longest = tonumber(ARGV[4])
if at then
	local cooldown = math.min(longest, tonumber(ARGV[3]) * 2 ^ math.min(count - 1, 20))
	if now >= tonumber(at) and now - tonumber(at) < cooldown then
		return { stored and 'cooldown' or 'other' }
	end
end

count = count + 1
local outcome = 'other'
-- Remembered beyond the next cool-down, or the doubling would forget.
local keep = math.max(tonumber(ARGV[5]), 2 * math.min(longest, tonumber(ARGV[3]) * 2 ^ math.min(count - 1, 20)))
local refused, hold, fresh_for = 0, 0, 0
if stored then
	outcome = 'dropped'
	keep = math.max(keep, redis.call('PTTL', KEYS[1]))
	fresh_for = math.min(tonumber(ARGV[6]), (tonumber(redis.call('HGET', KEYS[1], 'life') or nil) or 0) / 4)
	local age = now - (tonumber(redis.call('HGET', KEYS[1], 'fetched_at') or nil) or 0)
	if can_pace and not at and age >= 0 and age < fresh_for then -- one handed out again has its cool-down
		refused = math.min(30, (tonumber(redis.call('GET', KEYS[4]) or nil) or 0) + 1)
	end
	if refused > 1 then
		outcome = 'paced'
		hold = math.min(tonumber(ARGV[8]), tonumber(ARGV[7]) * 2 ^ (refused - 2))
		hold = math.floor(hold * (1 + tonumber(ARGV[9]) / 5000)) -- up to a fifth more
	end
end
redis.call('SET', KEYS[2], string.format('%.0f %.0f %s %s', now, count, ARGV[2], outcome), 'PX', string.format('%.0f', keep))
if refused > 0 then -- forgotten once a token has lasted
	redis.call('SET', KEYS[4], string.format('%.0f', refused), 'PX', string.format('%.0f', hold + 2 * fresh_for))
end
if hold > 0 and hold > (tonumber(redis.call('HGET', KEYS[3], 'until') or nil) or 0) - now then
	local attempts = tonumber(redis.call('HGET', KEYS[3], 'attempts') or nil) or 0
	redis.call('HSET', KEYS[3],
		'nonce', ARGV[2], 'until', string.format('%.0f', now + hold), 'attempts', string.format('%.0f', attempts),
		'shut_out', '0', 'local', '0', 'issuer', ARGV[10], 'class', 'transient', 'code', '0', 'status', '0',
		'message', string.format('%.0f fresh tokens in a row were rejected', refused),
		'log_id', '', 'advice', ARGV[11], 'by', ARGV[12], 'refused', '1')
	redis.call('PEXPIRE', KEYS[3], string.format('%.0f', hold + 600000))
end
if stored then
	redis.call('DEL', KEYS[1])
end
return { outcome }
