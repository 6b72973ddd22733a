package sim

import "time"

// leased is the lock of an app as it was last seen in Redis.
type leased struct {
	value string // "" if there is none
	ends  time.Time
}

// nobodysLock is the value of a lock that a fault has taken.
const nobodysLock = "somebody's"

// lockOf looks at the lock after everything that Redis has answered. Only its holder may
// take it away before its lease has run out: else a third asks beside the second.
func (c *checker) lockOf(a *app) {
	c.mu.Lock()
	old, released := c.locks[a.index], c.released[c.locks[a.index].value]
	c.mu.Unlock()
	present, now := c.noteLock(a), time.Now()
	switch {
	case old.value == "" || released || !now.Before(old.ends):
	case present.value != old.value:
		c.violated("I3", "redis", "the lock of %s was taken from its holder, %v before the end of its lease", a.name, old.ends.Sub(now))
	case old.ends.Sub(now) > longestLease: // by another clock: somebody gives it a lease
	case old.value == nobodysLock: // each who finds it without an end gives it one, by what it knows of lives
	case old.ends.Sub(present.ends) > time.Millisecond+c.w.clock.setBack(now.Add(-time.Minute)): // or extends it
		c.violated("I3", "redis", "the lease of %s was shortened, by %v", a.name, old.ends.Sub(present.ends))
	}
}

// noteLock takes the lock as it is: also after somebody has laid hands on it.
func (c *checker) noteLock(a *app) leased {
	server, key := c.w.redis.Server(), c.w.key(a, "lock")
	value, err := server.Get(key)
	if err != nil {
		value = "" // none, or not ours
	}
	present := leased{value, time.Now().Add(server.TTL(key))}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.locks[a.index] = present
	return present
}

// looks notes the value that a look may take the lock with. One that is sent again, as its
// reply was lost, gives it back if there is a token by now.
func (c *checker) looks(value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.looked[value] {
		c.released[value] = true
	}
	c.looked[value] = true
}

// releases notes that a holder, or who fears to be one, gives its lock back.
func (c *checker) releases(value string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.released[value] = true
}
