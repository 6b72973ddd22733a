package tokencache

// takeover notices that the lock has come to us though whoever had it left no more than there was.
type takeover struct {
	seen string // what was known when the lock was last in other hands; "": nothing since
}

// inOtherHands: the lock is.
func (t *takeover) inOtherHands(v *view) { t.seen = v.news() }

// heard: its holder may have left something.
func (t *takeover) heard() { t.seen = "" }

// took: the lock has come to us. It reports whether that is a takeover.
func (t *takeover) took(v *view) bool {
	seen := t.seen
	t.seen = ""
	return seen != "" && seen == v.news()
}
