package glance

import (
	"time"

	"github.com/onetoken-go/onetoken/internal/advice"
	"github.com/onetoken-go/onetoken/internal/standing"
	"github.com/onetoken-go/onetoken/tokencache"
)

// OfStored is a credential as it stands in Redis. The window is that of its credential, 0 if nobody here knows it;
// explain has the text of an error, and what to do about it.
func OfStored(name string, st tokencache.Status, window time.Duration, explain func(error) (text, todo string)) Credential {
	c := Credential{
		Name: name, Usable: st.State != tokencache.StateAbsent, Urgent: st.State == tokencache.StateUrgent,
		Due: st.State == tokencache.StateDue, Left: st.Remaining, Life: st.Life, Window: window,
		FetchedBy: st.FetchedBy, FetchedAt: st.FetchedAt, Problem: problemIn(st, explain),
	}
	if window > 0 && st.State == tokencache.StateFresh { // whoever refreshes chooses a moment about then
		c.Refresh = max(0, st.Remaining-window)
	}
	return c
}

func problemIn(st tokencache.Status, explain func(error) (text, todo string)) *Problem {
	switch {
	case st.Garbled != "":
		return &Problem{Text: "what is stored cannot be used: " + st.Garbled}
	case standing.Failure(st) != nil:
		p := &Problem{NeedsPerson: st.Failure.Class.NeedsPerson(), Retry: st.RetryIn, Attempts: st.Attempts, By: st.FailedBy}
		p.Text, p.Advice = explain(st.Failure)
		return p
	case st.Locked < 0:
		return &Problem{Text: "its lock has no end; whoever asks next mends that"}
	}
	return nil
}

// InKeys explains an error by the keys of a configuration.
func InKeys(err error) (text, todo string) { return advice.Parts(err) }
