package tokencache

import "slices"

// Outcome is what came of a step, in an [Event]. Which a kind of step can have says
// [EventKind.Outcomes]; a step that did not come to any has none, and an Err.
type Outcome string

// OutcomeOK is of a call of the issuer that gave a token; any other has the name of its Class.
const OutcomeOK Outcome = "ok"

// Of a token that was offered to Redis.
const (
	OutcomeStored   Outcome = "stored"
	OutcomeRenewed  Outcome = "renewed" // the same token, with another end
	OutcomeKept     Outcome = "kept"    // what was there lives longer, or is the same with the same end
	OutcomeExpired  Outcome = "expired"
	OutcomeRejected Outcome = "rejected"
)

// Of a rejection that was told to Redis.
const (
	OutcomeDropped  Outcome = "dropped"
	OutcomePaced    Outcome = "paced" // dropped, as the fresh one before it
	OutcomeAlone    Outcome = "alone" // not dropped: the last fresh one was rejected by us, too
	OutcomeOther    Outcome = "other"
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

// Outcomes returns all that an event of this kind can have; none if it has no outcome. Beside
// these it may have none, if Err says that Redis did not take it.
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
