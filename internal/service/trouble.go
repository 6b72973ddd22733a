package service

import (
	"errors"
	"time"

	"github.com/onetoken-go/onetoken/internal/advice"
	"github.com/onetoken-go/onetoken/internal/standing"
	"github.com/onetoken-go/onetoken/internal/statusjson"
	"github.com/onetoken-go/onetoken/tokencache"
)

// troubleOf is what keeps a credential from a newer token: what this service has met itself (why), else what
// Redis remembers of another's last call. nil: nothing does.
func troubleOf(since time.Time, why error, status tokencache.Status) *TroubleReport {
	r := &TroubleReport{RetryIn: statusjson.SecondsOf(status.RetryIn)}
	switch failure := standing.Failure(status); {
	case why != nil:
		r.Since = new(since.UTC())
	case failure != nil:
		why = failure
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
