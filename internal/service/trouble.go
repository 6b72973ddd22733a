package service

import (
	"errors"
	"time"

	"github.com/onetoken-go/onetoken/internal/advice"
	"github.com/onetoken-go/onetoken/internal/statusjson"
	"github.com/onetoken-go/onetoken/tokencache"
)

// troubleOf is what keeps a credential from a newer token: what this service has met itself (why), else what
// Redis remembers of another's last call. nil: nothing does.
func troubleOf(since time.Time, why error, status tokencache.Status) *TroubleReport {
	r := &TroubleReport{RetryIn: statusjson.SecondsOf(status.RetryIn)}
	switch {
	case why != nil:
		r.Since = new(since.UTC())
	case status.Failure != nil && status.State != tokencache.StateFresh: // a token that was got around Redis leaves it there
		why = status.Failure
	default:
		return nil
	}
	if refusal, ok := errors.AsType[*tokencache.IssuerError](why); ok {
		// Without why the issuer was asked around Redis: that is told once for all, and may be over.
		r.Text, r.Advice = advice.Parts(refusal)
		r.NeedsPerson = refusal.Class.NeedsPerson()
		return r
	}
	r.Text, r.Advice = advice.Parts(why)
	_, r.Redis = errors.AsType[*tokencache.RedisError](why)
	return r
}
