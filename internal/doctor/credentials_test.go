package doctor

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/witness"
	"github.com/onetoken-go/onetoken/tokencache"
)

// A token may be good, and the next one refused in the background.
func TestATokenThatCannotBeReplaced(t *testing.T) {
	t.Parallel()
	p := newPatient(Config{})
	refusal := &tokencache.IssuerError{Issuer: "feishu", Message: "app disabled", Code: 1, Advice: "check the app id"}
	f := p.credential(witness.Seen{Called: true, Refused: refusal}, 5*time.Minute, false)
	assert.Equal(t, finding{
		"credentials", checkFail,
		"the fleet's token has 5m0s left, but the issuer refused another: feishu refused: app disabled (code 1)", "check FEISHU_APP_ID",
	}, f)
}

// Redis was well when it was looked at, or its trouble has been told.
func TestATokenThatIsNotShared(t *testing.T) {
	t.Parallel()
	p := newPatient(Config{})
	seen := witness.Seen{Called: true, Direct: true, Redis: &tokencache.RedisError{Trouble: tokencache.TroubleReadOnly}}
	assert.Equal(t, finding{
		"credentials", checkWarn,
		"the issuer gave a token, 1h0m0s left, asked around redis and not shared: redis READONLY", "connect to the primary (REDIS_URL)",
	}, p.credential(seen, time.Hour, false))
	assert.Equal(t, finding{
		"credentials", checkWarn, "the issuer gave a token, 1h0m0s left, asked around redis and not shared", "mend what failed above",
	}, p.credential(seen, time.Hour, true))
}
