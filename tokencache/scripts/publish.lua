-- publish: offers a token. The one rule: a token never replaces another that
-- lives longer. May be late, repeated or reordered.
-- KEYS: 1 token, 2 failure, 3 rejected:<fingerprint of the offered token>
-- ARGV: 1 app token, 2 tenant token, 3 fingerprint, 4 life (ms),
--       5 t0: Redis time (ms) just before the request was sent,
--       6 elapsed (ms) since then by the caller's clocks, 7 fetched_by,
--       8 life left (ms) at or below which the token is of no use to anyone,
--       9 put-back (1: the issuer was asked long ago, at t0, and without the lock),
--       10 the issuer's window (ms), for whoever looks without knowing the issuer
-- Returns: outcome, now (ms), PTTL and {token fields} of what is stored afterwards
--          ('expired' and 'rejected' come alone; times as strings, as in read.lua)
local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'none' and kind ~= 'hash' then
	return redis.error_reply('WRONGTYPE ' .. KEYS[1] .. ' is a ' .. kind)
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local life, t0, spent = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local put_back = ARGV[9] == '1'
if now - t0 > spent then
	spent = now - t0
end
local px = math.min(life, life - spent)
if px <= tonumber(ARGV[8]) then
	return { 'expired' }
end

local tombstone = redis.call('GET', KEYS[3])
if tombstone then
	local at = tonumber(string.match(tombstone, '^(%d+)') or nil) or 0
	-- One that a single replica has rejected may be put back for the others: see invalidate.
	if at >= t0 and not put_back or put_back and not string.match(tombstone, ' alone$') then
		return { 'rejected' }
	end
end

local stored = redis.call('HMGET', KEYS[1], 'app_access_token', 'tenant_access_token', 'fingerprint', 'life', 'checked_at', 'ends_at', 'fetched_by', 'fetched_at', 'window')
local ttl = redis.call('PTTL', KEYS[1])
-- As strict as the readers: what they cannot use must not keep a good one out.
local lasts = tonumber(string.match(stored[4] or '', '^%d+$') or nil)
local left = (tonumber(string.match(stored[6] or '', '^%d+$') or nil) or 0) - now
local usable = stored[1] and stored[1] ~= '' and lasts and lasts <= 315360000000
	and ttl > 0 and ttl <= lasts and left > 0 and left <= lasts
	and redis.sha1hex(string.len(stored[1]) .. ':' .. stored[1] .. (stored[2] or '')) == stored[3]
local same = usable and stored[3] == ARGV[3]
left = math.min(ttl, left) -- somebody may have prolonged the key

-- The issuer has answered, so whatever failure there was is over.
local function answered()
	if not put_back and redis.call('TYPE', KEYS[2]).ok == 'hash' then
		redis.call('DEL', KEYS[2])
	end
end

-- A longer-lived other one stays. Of the same one a put-back has something to say only
-- if the issuer has shortened it since its last word that is stored.
local shortened = px < left - 1000 and t0 > (tonumber(stored[5] or nil) or 0)
if usable and ((not same and left >= px) or (same and put_back and not shortened)) then
	answered()
	return { 'kept', string.format('%.0f', now), string.format('%.0f', ttl), stored }
end

-- The first write may be refused (OOM, READONLY), so nothing is deleted before it;
-- nor may it be a DEL or PEXPIRE, which would let all others pass on a full Redis.
local outcome, by, at = 'stored', ARGV[7], string.format('%.0f', now)
local checked_at = now
if put_back then
	checked_at = math.min(now, t0)
end
if same then
	outcome = 'renewed'
	by, at = stored[7] or by, stored[8] or at
	life = math.max(life, lasts)
	if math.abs(left - px) <= 1000 then -- but for checked_at, nothing changes
		outcome, px = 'kept', left
		if (tonumber(at) or 0) >= t0 then -- a replay: its reply was lost
			outcome = 'stored'
		end
	end
end
local record = {
	app_access_token = ARGV[1], tenant_access_token = ARGV[2], fingerprint = ARGV[3],
	life = string.format('%.0f', life), fetched_by = by, fetched_at = at, checked_at = string.format('%.0f', checked_at),
	ends_at = string.format('%.0f', now + px), window = ARGV[10],
}
redis.call('HSET', KEYS[1],
	'app_access_token', record.app_access_token, 'tenant_access_token', record.tenant_access_token,
	'fingerprint', record.fingerprint, 'life', record.life,
	'fetched_by', record.fetched_by, 'fetched_at', record.fetched_at, 'checked_at', record.checked_at, 'ends_at', record.ends_at,
	'window', record.window)
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
	record.app_access_token, record.tenant_access_token, record.fingerprint,
	record.life, record.checked_at, record.ends_at, record.fetched_by, record.fetched_at, record.window,
} }
