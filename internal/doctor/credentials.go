package doctor

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/onetoken-go/onetoken/internal/advice"
	"github.com/onetoken-go/onetoken/internal/witness"
	"github.com/onetoken-go/onetoken/tokencache"
)

// credentialsCheck gets a token as `onetoken token` does. If Redis is known to be
// in trouble, that is not told again.
func (p *patient) credentialsCheck(ctx context.Context, troubled bool) finding {
	f, ok := inTime(ctx, func(ctx context.Context) finding { return p.tryCredentials(ctx, troubled) })
	if !ok || f.Status == checkFail && ctx.Err() != nil {
		return late(ctx, "credentials")
	}
	return f
}

func (p *patient) tryCredentials(ctx context.Context, troubled bool) finding {
	p.calls.Add(1)
	defer p.calls.Done()
	seen := witness.New(slog.New(slog.DiscardHandler))
	config := p.Cache
	log := config.Observe
	config.Observe = func(e tokencache.Event) {
		log(e)
		seen.Observe(e)
	}
	cache, err := tokencache.New(p.Redis, config)
	if err != nil {
		return p.failure("credentials", err)
	}
	issuer, err := p.Issuer.Fetcher()
	if err != nil {
		return p.failure("credentials", err)
	}
	source := cache.Source(issuer)
	tok, err := source.Get(ctx)
	seen.Settle(ctx, cache, nil)
	if seen.Seen().Remembers(err) {
		err = &advice.Remembered{Err: err, Again: witness.AskedAgainIn(ctx, source)}
	}
	cache.Close() // a call in the background ends first
	if err != nil {
		return p.failure("credentials", err)
	}
	return p.credential(seen.Seen(), time.Until(tok.Expiry()), troubled)
}

const notShared = ", asked around redis and not shared"

// credential says where a token came from.
func (p *patient) credential(seen witness.Seen, left time.Duration, troubled bool) finding {
	life := rounded(left) + " left"
	switch {
	case seen.Refused != nil: // in the background, with a token that is good
		f := p.failure("credentials", seen.Refused)
		f.Found = "the fleet's token has " + life + ", but the issuer refused another: " + f.Found
		return f
	case seen.Direct && troubled:
		return finding{"credentials", checkWarn, "the issuer gave a token, " + life + notShared, "mend what failed above"}
	case seen.Direct:
		f := p.failure("credentials", cmp.Or(seen.Redis, errors.New("redis was in trouble")))
		f.Status, f.Found = checkWarn, "the issuer gave a token, "+life+notShared+": "+f.Found
		return f
	case seen.Called:
		return finding{Name: "credentials", Status: checkOK, Found: "the issuer gave a token, " + life}
	}
	return finding{Name: "credentials", Status: checkOK, Found: "the fleet has a token, " + life + "; the issuer was not asked"}
}
