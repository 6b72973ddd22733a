package sim

import (
	"fmt"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// failedCall is a call to the issuer that went through the lock and failed.
type failedCall struct {
	app       *app
	r         *replica
	began, at time.Time
	err       *tokencache.IssuerError
	good      bool // or one that did not, which ends a row of failures
}

// observe is told of every step of the product.
func (r *replica) observe(e tokencache.Event) {
	w := r.w
	w.words.add(fmt.Sprintf("%+v %v", e, e.Err))
	if r.isGone() {
		return // a crashed process says nothing
	}
	a := w.appOfKey(e.ID)
	w.tally.observe(e)
	switch e.Kind {
	case tokencache.EventCall, tokencache.EventDirectCall:
		w.check.called(r, a, e)
	case tokencache.EventDegraded:
		if w.quiet.Load() {
			w.check.violated("I6", r.name, "Redis is in trouble in the quiet time: %s", plain(e.Err))
		}
	case tokencache.EventFill:
		w.check.filled(r, a, e.Duration)
	case tokencache.EventPutBack:
		if e.Err != nil {
			w.check.putBackFailed(r, a)
		}
	case tokencache.EventPublish:
		if e.Outcome == tokencache.OutcomeRejected && a.wasRevoked(time.Now()) {
			w.rejectedOnArrival(a)
		}
	case tokencache.EventInvalidate:
		switch e.Outcome {
		case tokencache.OutcomeCoolDown:
			w.check.coolDown(r, a, r.hasTold(a))
			r.coolsFromNow(r.hasTold(a))
		case tokencache.OutcomePaced, tokencache.OutcomeAlone:
			w.check.pacing(r, a)
		}
	}
	if e.Kind == tokencache.EventWait && e.Err == nil {
		return // the Get says it
	}
	name := "?"
	if a != nil {
		name = a.name
	}
	why := string(e.Outcome) + string(e.Trouble) + e.Reason
	if e.Kind == tokencache.EventIgnored {
		why = "" // what is wrong first with a seal that was cut depends on its random bits
	}
	w.log.add(r.name, "%s %s", strings.TrimSpace(e.Kind.String()+" "+name+" "+why), ifError(e.Err))
}

func ifError(err error) string {
	if err == nil {
		return ""
	}
	return plain(err)
}

func (w *world) appOfKey(key string) *app {
	for _, a := range w.apps {
		if strings.Contains(key, ":"+a.issuer.AppID()+":") {
			return a
		}
	}
	return nil
}
