package tokencache

import "time"

// Event is one step off the fast path, told to [Config.Observe] once it is over. It
// never holds a secret.
type Event struct {
	Kind EventKind
	// ID names the credential: see [Credential.ID].
	ID string
	// Outcome refines some kinds: one of [EventKind.Outcomes].
	Outcome Outcome
	// Trouble with Redis, of EventDegraded.
	Trouble Trouble
	// Reason why a record or news cannot be used, of EventGarbled and EventIgnored: for people.
	Reason string
	// Duration of the step, where it has one.
	Duration time.Duration
	// Remaining life of the token involved, where there is one.
	Remaining time.Duration
	// Err is why the step did not succeed; nil if it did.
	Err error
}

// EventKind says which step an [Event] is.
type EventKind uint8

const (
	// EventWait: a Get without a usable copy had to wait, and now ended.
	EventWait EventKind = iota + 1
	// EventFill: a fill ended. Duration is all of it, sleeps included.
	EventFill
	// EventCall: the issuer was called. Outcome is OutcomeOK, or the name of the Class of Err,
	// an *IssuerError; Remaining what the issuer's `expire` said. Direct calls, made without
	// Redis, have their own kind.
	EventCall
	// EventDirectCall: as EventCall, but made around Redis.
	EventDirectCall
	// EventPublish: a token was offered to Redis: OutcomeStored to OutcomeRejected.
	EventPublish
	// EventPutBack: as EventPublish, of a token that Redis could not be told of when it was got. Also
	// told when another replica has put one back first: OutcomeKept.
	EventPutBack
	// EventAdopt: a token became this process's copy.
	EventAdopt
	// EventTakeover: the lock was taken after another holder let it run out.
	EventTakeover
	// EventLeaseLost: the lock was lost while the call ran; the call went on.
	EventLeaseLost
	// EventInvalidate: a rejection was told to Redis: OutcomeDropped to OutcomeCoolDown. One of a
	// token from a direct call has another before it if this process paces itself for that:
	// OutcomePaced.
	EventInvalidate
	// EventGarbled: a record that cannot be used was found. The next token that somebody gets
	// replaces it. Reason says what is wrong with it.
	EventGarbled
	// EventIgnored: news on the channel was not understood, or not sealed by a replica with the
	// same secret. Reason says what is wrong with it. The token at hand stays.
	EventIgnored
	// EventDegraded: an operation in Redis did not succeed (Err). Trouble names it.
	EventDegraded
	// EventRecovered: Redis answers again.
	EventRecovered
	// EventClosed: the Source was closed, or its Cache, and what was under
	// way has ended. No other event has its ID, but EventWait of a Get that waited, and
	// those of a Source made again for the same Credential. Whoever keeps something by ID
	// lets go of it here.
	EventClosed
)

var eventNames = map[EventKind]string{
	EventWait: "wait", EventFill: "fill", EventCall: "call", EventDirectCall: "direct_call",
	EventPublish: "publish", EventPutBack: "put_back", EventAdopt: "adopt", EventTakeover: "takeover",
	EventLeaseLost: "lease_lost", EventInvalidate: "invalidate", EventGarbled: "garbled", EventIgnored: "ignored",
	EventDegraded: "degraded", EventRecovered: "recovered", EventClosed: "closed",
}

// String returns the name, as for a metric's label; "" of a kind that there is not.
func (k EventKind) String() string { return eventNames[k] }
