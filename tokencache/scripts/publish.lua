-- publish: offers a token. The one rule: a token never replaces another that
-- lives longer. May be late, repeated or reordered. It cannot open what is sealed.
-- KEYS: 1 token, 2 failure, 3 rejected:<fingerprint of the offered token>, 4 lock
-- ARGV: 1 sealed, 2 fingerprint, 3 life (ms),
--       4 t0: Redis time (ms) just before the request was sent,
--       5 elapsed (ms) since then by the caller's clocks, 6 fetched_by,
--       7 life left (ms) at or below which the token is of no use to anyone; if it is the
--       stored one, and this the issuer's later word, it ends here, too,
--       8 put-back (1: the issuer was asked long ago, at t0, and without the lock),
--       9 the issuer's window (ms), for whoever looks without knowing the issuer,
--       10 lock value, 11 the sum of a stored record that the holder of the lock could
--       not open, and which makes way for this one; or neither,
--       12 the issuer's URL, for people,
--       13 how long (ms) the issuer took to answer: the token may last as much longer
-- Returns: outcome, now (ms), PTTL and {token fields} of what is stored afterwards
--          ('expired' and 'rejected' come alone; times as strings, as in read.lua)
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'hash' then
	return redis.error_reply('WRONGTYPE ' .. KEYS[1] .. ' is a ' .. kind)
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local life, t0, spent = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local put_back = ARGV[8] == '1'
if now - t0 > spent then
	spent = now - t0
end
local checked = t0
if t0 > now then -- by another clock, or before this one was set back
	checked = math.max(0, now - tonumber(ARGV[5]))
end
local px = math.min(life, life - spent)
local useless = px <= tonumber(ARGV[7])

local tombstone = redis.call('GET', KEYS[3])
if tombstone then
	local at = tonumber(string.match(tombstone, '^(%d+)') or nil) or 0
	-- One that is ahead of this clock is from before a step back or a failover. Of whoever has
	-- asked since then, both clocks agree: he has asked after the rejection.
	if at > now and t0 + tonumber(ARGV[5]) <= now then
		at = 0
	end
	-- One that a single replica has rejected may be put back for the others: see invalidate.
	if at >= checked and not put_back or put_back and not string.match(tombstone, ' alone$') then
		return { useless and 'expired' or 'rejected' }
	end
end

local function sum_of(sealed, fingerprint, life)
	return redis.sha1hex(string.len(sealed) .. ':' .. sealed .. string.len(fingerprint) .. ':' .. fingerprint .. string.len(life) .. ':' .. life)
end

local function whole(s) -- digits only: a "nan" is neither before nor after anything
	return tonumber(string.match(s or '', '^%d+$') or nil) or 0
end

local stored = redis.call('HMGET', KEYS[1], 'sealed', 'fingerprint', 'life', 'sum', 'checked_at', 'ends_at', 'fetched_by', 'fetched_at', 'window')
local ttl = redis.call('PTTL', KEYS[1])
-- As strict as the readers: what they cannot use must not keep a good one out.
local lasts = tonumber(string.match(stored[3] or '', '^[1-9]%d*$') or nil)
local left = whole(stored[6]) - now
local usable = stored[1] and stored[1] ~= '' and stored[2] and stored[2] ~= '' and lasts and lasts <= 315360000000
	and ttl > 0 and ttl <= lasts and left > 0 and left <= lasts
	and sum_of(stored[1], stored[2], stored[3]) == stored[4]
if usable and ARGV[11] ~= '' and stored[4] == ARGV[11] and redis.pcall('GET', KEYS[4]) == ARGV[10] then
	usable = false
end
local same = usable and stored[2] == ARGV[2]
left = math.min(ttl, left) -- somebody may have prolonged the key

-- The issuer has answered, so whatever failure there was is over.
local function answered()
	if not put_back and not useless and redis.call('TYPE', KEYS[2]).ok == 'hash' then
		redis.call('DEL', KEYS[2])
	end
end

-- A longer-lived other one stays. Of the same one only a later word of the issuer's says
-- anything; that of a put-back, only if it is a shorter one.
local known_at = whole(stored[5])
if known_at > now then -- not one of ours
	known_at = 0
end
-- What the issuer took its time to say contradicts no end that is within that time.
local took = tonumber(ARGV[13])
local shorter = px + took < left - 1000
local later = checked > known_at and (not put_back or shorter)
if useless then
	if not (same and later and shorter) then
		return { 'expired' }
	end
	px = math.max(px, 1) -- no key has a TTL of 0
end
if usable and ((not same and left >= px) or (same and not later)) then
	local outcome = 'kept'
	if same and t0 == known_at then -- a replay: its reply was lost, and the others have not been told yet
		outcome = whole(stored[8]) >= t0 and 'stored' or 'renewed'
	end
	answered()
	return { outcome, string.format('%.0f', now), string.format('%.0f', ttl), stored }
end

-- The first write may be refused (OOM, READONLY), so nothing is deleted before it;
-- nor may it be a DEL or PEXPIRE, which would let all others pass on a full Redis.
local outcome = 'stored'
local sealed, fingerprint, lives = ARGV[1], ARGV[2], ARGV[3]
local by, at = ARGV[6], string.format('%.0f', math.min(now, t0 + took))
if same then
	outcome = 'renewed'
	by, at = stored[7] or by, stored[8] or at
	-- What is sealed has its life, and of a longer one the last part is never handed out: that would be
	-- all that a much shorter word leaves.
	if lasts >= life and (useless or not (shorter and px <= math.min(10000, lasts / 50))) then
		sealed, lives = stored[1], stored[3]
	end
	if px <= left + 1000 and not shorter then -- but for checked_at, nothing changes
		outcome, px = 'kept', left
	end
end
local record = {
	sealed = sealed, fingerprint = fingerprint, life = lives, sum = sum_of(sealed, fingerprint, lives),
	checked_at = string.format('%.0f', checked), ends_at = string.format('%.0f', now + px),
	stored_at = string.format('%.0f', now), fetched_by = by, fetched_at = at, window = ARGV[9],
	issuer_url = ARGV[12] or '',
}
redis.call('HSET', KEYS[1],
	'sealed', record.sealed, 'fingerprint', record.fingerprint, 'life', record.life, 'sum', record.sum,
	'checked_at', record.checked_at, 'ends_at', record.ends_at, 'stored_at', record.stored_at,
	'fetched_by', record.fetched_by, 'fetched_at', record.fetched_at, 'window', record.window,
	'issuer_url', record.issuer_url)
-- Not PEXPIREAT: an embedded Redis with words of 32 bits takes no moment that large.
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', px))
if not same then
	for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
		if record[field] == nil then
			redis.call('HDEL', KEYS[1], field)
		end
	end
end
answered()
return { outcome, string.format('%.0f', now), string.format('%.0f', px), {
	record.sealed, record.fingerprint, record.life, record.sum, record.checked_at, record.ends_at,
	record.fetched_by, record.fetched_at, record.window,
} }
