-- lookandtry.lua: a look, and under a condition a try for the lock, with nobody in between.
-- What stands in angle brackets is put in; LOOK and OBTAIN are whole scripts, which see no
-- more than their own keys and arguments.
-- KEYS: the look's; the one of number <LOCK> is the lock
-- ARGV: redislock's for obtaining a lock; the first is our value
-- Returns: whether the lock was taken (nil: no), {what the look returned}

local look = (function(KEYS, ARGV)
<LOOK>
end)(KEYS, {})
if look.err then
	return look
end

-- Most of a fleet finds the lock in other hands, which a GET tells for less than redislock.
local holder = false
if not (<FREE>) then
	holder = redis.pcall('GET', KEYS[<LOCK>])
end
local tried = false
if <CONDITION> then
	if type(holder) == 'table' then -- no lock at all
		return redis.error_reply(holder.err .. ' (' .. KEYS[<LOCK>] .. ')')
	end
	-- With our value in it the reply of a try was lost, and the client has sent it again:
	-- redislock obtains it again.
	if not holder or holder == ARGV[1] then
		tried = (function(KEYS, ARGV)
<OBTAIN>
		end)({ KEYS[<LOCK>] }, ARGV)
	end
elseif holder == ARGV[1] then -- likewise, and nobody knows of it
	redis.call('DEL', KEYS[<LOCK>])
end
return { tried, look }
