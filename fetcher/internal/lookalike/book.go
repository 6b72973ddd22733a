package lookalike

import "time"

// MaxRecords bounds what an issuer remembers, of tokens that have ended and of calls: beyond it the
// older half is dropped.
const MaxRecords = 1 << 16

// Book has the tokens that were minted, each a T, by their strings. It takes the time, waits for
// nothing, and is guarded by its owner.
type Book[T any] struct {
	names    func(*T) []string
	end      func(*T) time.Time
	all      []*T
	byName   map[string]*T
	forgetAt int // how many there may be; 0 means MaxRecords
}

// NewBook makes an empty Book. names are the strings by which a T is found, end is when it ends;
// neither may wait.
func NewBook[T any](names func(*T) []string, end func(*T) time.Time) *Book[T] {
	return &Book[T]{names: names, end: end, byName: map[string]*T{}}
}

// Add enters what was minted now. The owner may change it afterwards, but for its names.
func (b *Book[T]) Add(entry *T, now time.Time) {
	b.forgetEnded(now)
	b.all = append(b.all, entry)
	for _, name := range b.names(entry) {
		b.byName[name] = entry
	}
}

// forgetEnded bounds the memory of an issuer that runs as a process for long.
// Where too many live, it tries again only at twice their number.
func (b *Book[T]) forgetEnded(now time.Time) {
	if len(b.all) < max(b.forgetAt, MaxRecords) {
		return
	}
	var kept []*T
	for n, entry := range b.all {
		if n >= len(b.all)/2 || b.end(entry).After(now) {
			kept = append(kept, entry)
			continue
		}
		for _, name := range b.names(entry) {
			delete(b.byName, name)
		}
	}
	b.all, b.forgetAt = kept, 2*len(kept)
}

// Find returns the entry by one of its strings, nil if there is none.
func (b *Book[T]) Find(name string) *T { return b.byName[name] }

// All returns copies of the entries, oldest first.
func (b *Book[T]) All() []T {
	all := make([]T, len(b.all))
	for n, entry := range b.all {
		all[n] = *entry
	}
	return all
}

// Each calls f with every entry, oldest first.
func (b *Book[T]) Each(f func(*T)) {
	for _, entry := range b.all {
		f(entry)
	}
}

// Remaining life of a token that ends at end and was revoked at revoked, unless that is zero. 0 for one
// that is over.
func Remaining(end, revoked, now time.Time) time.Duration {
	if !revoked.IsZero() {
		return 0
	}
	return max(end.Sub(now), 0)
}
