package sim

import "time"

// leased is the lock of an app as it was last seen in Redis.
type leased struct {
	value string // "" if there is none
	ends  time.Time
}

// lockOf looks at the lock after everything that Redis has answered. Only its holder may
// take it away before its lease has run out: else a third asks beside the second.
func (c *checker) lockOf(a *app) {
	server, key, now := c.w.redis.Server(), c.w.key(a, "lock"), time.Now()
	value, err := server.Get(key)
	if err != nil {
		value = "" // none, or not ours
	}
	c.mu.Lock()
	old, released := c.locks[a.index], c.released[c.locks[a.index].value]
	c.locks[a.index] = leased{value, now.Add(server.TTL(key))}
	c.mu.Unlock()
	if old.value == "" || old.value == value || released || !now.Before(old.ends) {
		return
	}
	if c.w.troubled(everybody, a.index, now.Add(-time.Minute), now, func(t *trouble) bool { return t.lost }) {
		return
	}
	c.violated("I3", "redis", "the lock of %s was taken from its holder, %v before the end of its lease", a.name, old.ends.Sub(now))
}

// releases notes that a holder, or who fears to be one, gives its lock back.
func (c *checker) releases(value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.released[value] = true
}
