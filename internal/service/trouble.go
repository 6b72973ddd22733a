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
	r.Text, r.Advice = advice.Parts(why)
	refusal, ok := errors.AsType[*tokencache.IssuerError](why)
	r.NeedsPerson = ok && refusal.Class.NeedsPerson()
	_, redis := errors.AsType[*tokencache.RedisError](why)
	r.Redis = redis && !ok
	return r
}
