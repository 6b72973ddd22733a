package tokencache

import "slices"

// Outcome is what came of a step, in an [Event]. [EventKind.Outcomes] lists those of a kind; ""
// stands where there is none, or where Event.Err says why the step came to no end.
type Outcome string

// OutcomeOK is that of a call of the issuer that brought a token. A failed one has the name of
// its [Class], such as "transient".
const OutcomeOK Outcome = "ok"

// Outcomes of a token that was offered to Redis.
const (
	// OutcomeStored: it took the place of what was there, if anything was.
	OutcomeStored Outcome = "stored"
	// OutcomeRenewed: it was there, and has another end now.
	OutcomeRenewed Outcome = "renewed"
	// OutcomeKept: another that lives longer was there, or the same of which this is no later
	// word, or no other end.
	OutcomeKept Outcome = "kept"
	// OutcomeExpired: the call took so long that what is left of the token is never handed out.
	OutcomeExpired Outcome = "expired"
	// OutcomeRejected: it was rejected since the issuer was asked for it.
	OutcomeRejected Outcome = "rejected"
)

// Outcomes of a rejection that was told to Redis.
const (
	// OutcomeDropped: the token is gone, and the next Get has the issuer asked.
	OutcomeDropped Outcome = "dropped"
	// OutcomePaced: as OutcomeDropped, but a fresh token was rejected before this fresh one.
	// The fleet, or without Redis this process, waits before it asks for another.
	OutcomePaced Outcome = "paced"
	// OutcomeAlone: as OutcomePaced, but only this process has rejected either. It waits,
	// and the token stays for the others.
	OutcomeAlone Outcome = "alone"
	// OutcomeOther: another token is stored by now, or none.
	OutcomeOther Outcome = "other"
	// OutcomeCoolDown: the issuer has handed out the token again since it was last rejected,
	// a moment ago. It stays.
	OutcomeCoolDown Outcome = "cooldown"
)

// Of a failure that was told to Redis; no event has these.
const (
	outcomeFailed  Outcome = "failed"
	outcomeNotHeld Outcome = "not_held"
)

var (
	publishOutcomes    = []Outcome{OutcomeStored, OutcomeRenewed, OutcomeKept, OutcomeExpired, OutcomeRejected}
	invalidateOutcomes = []Outcome{OutcomeDropped, OutcomePaced, OutcomeAlone, OutcomeOther, OutcomeCoolDown}
)

// Outcomes returns all that an event of this kind can have beside "", in a slice of the
// caller's; nil if it has none.
func (k EventKind) Outcomes() []Outcome {
	switch k {
	case EventCall, EventDirectCall:
		all := []Outcome{OutcomeOK}
		for _, name := range classNames {
			all = append(all, Outcome(name))
		}
		return all
	case EventPublish, EventPutBack:
		return slices.Clone(publishOutcomes)
	case EventInvalidate:
		return slices.Clone(invalidateOutcomes)
	default:
		return nil
	}
}
