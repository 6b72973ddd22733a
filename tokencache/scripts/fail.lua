-- fail: records that the issuer did not give a token, for the whole fleet, and
-- for how long nobody shall ask. Only the holder of the lock may.
-- KEYS: 1 lock, 2 failure
-- ARGV: 1 lock value, 2 base (ms), 3 cap (ms) of the backoff, 4 jitter (0 to 999),
--       5 local (1: may be the caller's own trouble), 6 issuer, 7 class, 8 code,
--       9 status, 10 message, 11 log id, 12 advice, 13 by, for people, 14 the caller's
--       identity: replicas may share a name, 15 the issuer's URL, for people
-- Returns: outcome, hold (ms, a string as in read.lua; not with 'not_held')
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
	return { 'not_held' }
end
local kind = redis.call('TYPE', KEYS[2]).ok
if kind ~= 'none' and kind ~= 'hash' then
	return redis.error_reply('WRONGTYPE ' .. KEYS[2] .. ' is a ' .. kind)
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local known = redis.call('HMGET', KEYS[2], 'nonce', 'until', 'attempts', 'shut_out', 'replica_id')
local function whole(s) -- digits only: what others write must not count backwards
	return tonumber(string.match(s or '', '^%d+$') or nil) or 0
end
local attempts = math.min(30, whole(known[3]))
if known[1] == ARGV[1] then -- a replay: its reply was lost
	return { 'failed', string.format('%.0f', math.max(0, math.min(300000, whole(known[2]) - now))) }
end

-- Attempts, not a previous wait, carry the doubling, so that a lost record
-- starts over and a garbled one cannot grow.
local hold, shut_out = 0, 0
if ARGV[5] == '1' then
	-- It may be the caller's own trouble, so it holds the others for a second.
	-- Only when more than three in a row, each another, do not get through is it
	-- taken for everybody's.
	shut_out = math.min(30, whole(known[4]))
	if known[5] ~= ARGV[14] then
		shut_out = math.min(shut_out + 1, 30)
	end
	hold = math.max(1000, math.min(30000, 125 * 2 ^ shut_out))
else
	attempts = math.min(attempts + 1, 30)
	hold = math.min(tonumber(ARGV[3]), tonumber(ARGV[2]) * 2 ^ (attempts - 1))
	hold = math.floor(hold * (1 + tonumber(ARGV[4]) / 5000)) -- up to a fifth more
	hold = math.max(250, math.min(300000, hold))
end

redis.call('HSET', KEYS[2],
	'nonce', ARGV[1], 'until', string.format('%.0f', now + hold), 'attempts', string.format('%.0f', attempts),
	'shut_out', string.format('%.0f', shut_out),
	'local', ARGV[5], 'issuer', ARGV[6], 'class', ARGV[7], 'code', ARGV[8], 'status', ARGV[9],
	'message', ARGV[10], 'log_id', ARGV[11], 'advice', ARGV[12], 'by', ARGV[13],
	'replica_id', ARGV[14], 'refused', '0', 'issuer_url', ARGV[15] or '')
redis.call('PEXPIRE', KEYS[2], string.format('%.0f', hold + 600000))
return { 'failed', string.format('%.0f', hold) }
