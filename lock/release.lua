-- release.lua: arguments => [value]
-- Deletes the key if it holds the value. Returns how many keys it deleted.

if redis.call("get", KEYS[1]) == ARGV[1] then
	return redis.call("del", KEYS[1])
end
return 0
