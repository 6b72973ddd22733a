-- invalidate: a token was refused by those who should accept it. Drops it if it
-- is the stored one, and leaves a tombstone so that a slow publish of the same
-- token, asked for before now, is refused.
-- KEYS: 1 token, 2 rejected:<fingerprint>
-- ARGV: 1 fingerprint, 2 nonce, 3 cool-down (ms), 4 longest cool-down (ms),
--       5 remaining life (ms) as far as the caller knows
-- Returns: outcome: 'dropped', 'other' (something else, or nothing, is stored)
--          or 'cooldown' (rejected a moment ago, and handed out again since)
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'hash' then
	return redis.error_reply('WRONGTYPE ' .. KEYS[1] .. ' is a ' .. kind)
end

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
if stored then
	outcome = 'dropped'
	keep = math.max(keep, redis.call('PTTL', KEYS[1]))
end
redis.call('SET', KEYS[2], string.format('%.0f %.0f %s %s', now, count, ARGV[2], outcome), 'PX', string.format('%.0f', keep))
if stored then
	redis.call('DEL', KEYS[1])
end
return { outcome }
