package lookalike

import "slices"

// Journal has the latest of what happened, up to MaxRecords. The zero value is
// empty. It is guarded by its owner.
type Journal[T any] struct{ entries []T }

// Add appends an entry.
func (j *Journal[T]) Add(entry T) {
	if len(j.entries) >= MaxRecords {
		j.entries = slices.Clone(j.entries[MaxRecords/2:])
	}
	j.entries = append(j.entries, entry)
}

// All returns a copy, oldest first.
func (j *Journal[T]) All() []T { return slices.Clone(j.entries) }
