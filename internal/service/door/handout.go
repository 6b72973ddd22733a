package door

import (
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Handout is a token and how it stands with it now.
type Handout struct {
	Token tokencache.Token
	// Remaining is how long the token lives.
	Remaining time.Duration
	// Margin is the last part of its life, in which it is never handed out.
	Margin time.Duration
	// RefreshIn is when the service begins to get the next one. 0 or less: it does so now.
	RefreshIn time.Duration
}

// useful is how long the token may be used, in whole seconds: what lives past that is margin.
func (h Handout) useful() time.Duration { return (h.Remaining - h.Margin).Truncate(time.Second) }

// expiresIn is 0 or less if not a whole second is left.
func (h Handout) expiresIn() int64 { return int64(h.useful() / time.Second) }

// refreshIn is a little later than the service's own refresh, so that this is over by then: at most
// longestSlack, and not more than a fourth of the time that is left after it, in which a client may repeat a
// request that found no new token. At least 1, and at most expiresIn if that is not 0.
func (h Handout) refreshIn() int64 {
	begin := max(0, h.RefreshIn)
	slack := min(longestSlack, max(0, h.useful()-begin)/4)
	seconds := int64((begin + slack + time.Second - 1) / time.Second)
	return max(1, min(seconds, h.expiresIn()))
}

// longestSlack is time for a call of the issuer that is slow.
const longestSlack = 5 * time.Second
