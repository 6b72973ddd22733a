package feishutest

import (
	"slices"
	"time"
)

// maxRecords bounds what is remembered: beyond it the older half is dropped.
const maxRecords = 1 << 16

// Stats counts what the token endpoint has done.
type Stats struct {
	// Calls that were answered with a token. An answer counts once it is
	// given, whether or not its client was still there.
	Calls int `json:"calls"`
	// Rotations is how many pairs were minted, by calls or by hand.
	Rotations int `json:"rotations"`
	// Refused is how many calls got anything else: refusals and faults.
	Refused int `json:"refused"`
}

// Stats returns the counts so far.
func (i *Issuer) Stats() Stats {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.stats
}

// Call of the token endpoint, as the issuer saw it.
type Call struct {
	// Arrived is before the latency, Answered after it.
	Arrived, Answered time.Time
	// Remaining life of the current pair when the call arrived: a client that
	// knows the rule calls with less than the window left. 0 if there was none,
	// or a revoked one.
	Remaining time.Duration
	// App is the app access token it was answered with, "" if with none.
	App string
	// Expire as it was answered.
	Expire time.Duration
	// Minted tells that the call rotated the token. With a fault after the
	// fact, such as LostReply, it may have done so although App is "".
	Minted bool
	// Code of the answer, if the issuer gave one: 0 with a token.
	Code int
	// Fault that spoiled the answer; "" if none did.
	Fault string
}

// Granted reports whether the call was answered with a token.
func (c Call) Granted() bool { return c.App != "" }

// Calls returns a copy of the record of all decided calls, oldest first; of
// more than 65,536, only the later ones.
func (i *Issuer) Calls() []Call {
	i.mu.Lock()
	defer i.mu.Unlock()
	return slices.Clone(i.journal)
}

// Pairs returns a copy of all pairs, oldest first; of more than 65,536, the
// later ones and those that live.
func (i *Issuer) Pairs() []Pair {
	i.mu.Lock()
	defer i.mu.Unlock()
	pairs := make([]Pair, len(i.ledger.pairs))
	for n, p := range i.ledger.pairs {
		pairs[n] = *p
	}
	return pairs
}

// journal of calls, guarded by the Issuer that owns it.
type journal []Call

func (j *journal) add(c Call) {
	if len(*j) >= maxRecords {
		*j = slices.Clone((*j)[maxRecords/2:])
	}
	*j = append(*j, c)
}

// record counts a decided call; i.mu is held.
func (i *Issuer) record(c Call) {
	i.journal.add(c)
	if c.Granted() {
		i.stats.Calls++
	} else {
		i.stats.Refused++
	}
}
