-- invalidate: a token was refused by those who should accept it. Drops it if it
-- is the stored one, and leaves a tombstone so that a slow publish of the same
-- token, asked for before now, is refused. Fresh tokens that are rejected one after
-- the other are paced like failures of the issuer: the second leaves a failure, by
-- which nobody asks for another for a while, and each further one a longer one.
-- One replica that has rejected the last as well may be broken itself: it alone waits,
-- and the token stays for the others. It goes as soon as another replica rejects it too,
-- or the first one says so again after its wait.
-- KEYS: 1 token, 2 rejected:<fingerprint>, 3 failure, 4 refused
-- ARGV: 1 fingerprint, 2 nonce, 3 cool-down (ms), 4 longest cool-down (ms),
--       5 remaining life (ms) as far as the caller knows,
--       6 age (ms) below which a token of four times that life is fresh, 7 base (ms), 8 cap (ms) of the pace,
--       9 jitter (0 to 999), 10 issuer, 11 advice, 12 by, for people, 13 the caller's
--       identity: replicas may share a name
-- Returns: outcome, wait of the fleet or the caller (ms, a string as in read.lua), fresh
--          tokens in a row, when it counts as rejected (ms), whether that is news to the
--          fleet ('1' or '0'): 'dropped', 'paced' (dropped, and the next is to wait), 'alone'
--          (the caller is to wait), 'other' (something else, or nothing, is stored) or
--          'cooldown' (rejected a moment ago, and handed out again since)
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'hash' then
	return redis.error_reply('WRONGTYPE ' .. KEYS[1] .. ' is a ' .. kind)
end
local failure_kind, refused_kind = redis.call('TYPE', KEYS[3]).ok, redis.call('TYPE', KEYS[4]).ok
local can_pace = failure_kind == 'none' or failure_kind == 'hash'

local function whole(s) -- digits only: what others write must not count backwards
	return tonumber(string.match(s or '', '^%d+$') or nil) or 0
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- The row: how many fresh tokens, who rejected the last, and how much longer that one is
-- to wait while the others are not.
local row, last, pause = nil, nil, nil
if refused_kind == 'string' then
	local text = redis.call('GET', KEYS[4])
	if string.len(text) <= 128 then -- a longer one is none of ours: to match 5,000 digits would stop Redis for minutes
		row, last, pause = string.match(text, '^(%d+) ?(%S*) ?(%d*)$')
	end
elseif refused_kind ~= 'none' then
	row = 1 -- nothing can be counted there, so there may have been one
end
row, last, pause = math.min(30, whole(row)), last or '', whole(pause) - now
if pause < 0 or pause > 1.2 * tonumber(ARGV[8]) then
	pause = 0
end

local rejected_at, news = now, '1'
local function answer(outcome, wait)
	return { outcome, string.format('%.0f', wait), string.format('%.0f', row), string.format('%.0f', rejected_at), news }
end

local stored = redis.call('HGET', KEYS[1], 'fingerprint') == ARGV[1]
local tombstone = redis.call('GET', KEYS[2]) or ''
local at, count, nonce, was = string.match(tombstone, '^(%d+) (%d+) (%S+) (%S+)$')
if string.len(at or '') > 15 or string.len(count or '') > 15 then -- none of ours: infinite, or no number at all
	at, count, nonce, was = nil, nil, nil, nil
end
if nonce == ARGV[2] then -- a replay: its reply was lost
	rejected_at = tonumber(at)
	return answer(was, pause)
end

count = tonumber(count) or 0
local longest = tonumber(ARGV[4])
-- Still there since one replica alone rejected it, and not because it was handed out again.
local spared = stored and was == 'alone' and whole(redis.call('HGET', KEYS[1], 'checked_at')) <= (tonumber(at) or 0)
if at and not spared then
	local cooldown = math.min(longest, tonumber(ARGV[3]) * 2 ^ math.min(count - 1, 20))
	if now >= tonumber(at) and now - tonumber(at) < cooldown then
		rejected_at, news = tonumber(at), '0'
		return answer(stored and 'cooldown' or 'other', 0)
	end
end
if spared and last == ARGV[13] and pause > 0 then
	rejected_at = tonumber(at)
	return answer('alone', pause)
end

if not spared then
	count = count + 1
end
local outcome = 'other'
-- Remembered beyond the next cool-down, or the doubling would forget.
local keep = math.max(tonumber(ARGV[5]), 2 * math.min(longest, tonumber(ARGV[3]) * 2 ^ math.min(count - 1, 20)))
local fresh, hold, fresh_for = false, 0, 0
if stored then
	outcome = 'dropped'
	keep = math.max(keep, redis.call('PTTL', KEYS[1]))
	fresh_for = math.min(tonumber(ARGV[6]), whole(redis.call('HGET', KEYS[1], 'life')) / 4)
	local age = now - whole(redis.call('HGET', KEYS[1], 'fetched_at'))
	fresh = can_pace and age >= 0 and age < fresh_for
	if spared then
		fresh = fresh and last ~= '' and last ~= ARGV[13] -- else the wait of the one who did is over
	elseif at then
		fresh = false -- one handed out again has its cool-down
	elseif fresh then
		row = math.min(30, row + 1)
	end
	if fresh and row > 1 then
		outcome = 'paced'
		if last == ARGV[13] and last ~= '' then
			outcome = 'alone'
		end
		hold = math.min(tonumber(ARGV[8]), tonumber(ARGV[7]) * 2 ^ (row - 2))
		hold = math.floor(hold * (1 + tonumber(ARGV[9]) / 5000)) -- up to a fifth more
	end
end
redis.call('SET', KEYS[2], string.format('%.0f %.0f %s %s', now, count, ARGV[2], outcome), 'PX', string.format('%.0f', keep))
if fresh and (refused_kind == 'none' or refused_kind == 'string') then -- forgotten once a token has lasted
	redis.call('SET', KEYS[4], string.format('%.0f %s %.0f', row, ARGV[13], outcome == 'alone' and now + hold or 0),
		'PX', string.format('%.0f', hold + 2 * fresh_for))
end
if outcome == 'paced' then
	local left = whole(redis.call('HGET', KEYS[3], 'until')) - now
	if left > 300000 or left > redis.call('PTTL', KEYS[3]) then
		left = 0 -- no failure of ours: it holds nobody
	end
	if hold > left then
		redis.call('HSET', KEYS[3],
			'nonce', ARGV[2], 'until', string.format('%.0f', now + hold),
			'attempts', string.format('%.0f', math.min(30, whole(redis.call('HGET', KEYS[3], 'attempts')))),
			'shut_out', '0', 'local', '0', 'issuer', ARGV[10], 'class', 'transient', 'code', '0', 'status', '0',
			'message', string.format('%.0f fresh tokens in a row were rejected', row),
			'log_id', '', 'advice', ARGV[11], 'by', ARGV[12], 'refused', '1',
			'issuer_url', redis.call('HGET', KEYS[1], 'issuer_url') or '')
		redis.call('PEXPIRE', KEYS[3], string.format('%.0f', hold + 600000))
	end
end
if stored and outcome ~= 'alone' then
	redis.call('DEL', KEYS[1])
end
return answer(outcome, hold)
