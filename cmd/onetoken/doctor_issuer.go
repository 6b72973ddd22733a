package main

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/tokencache"
)

// meeting is what became of going to the issuer.
type meeting struct {
	err   error
	took  time.Duration
	clock clock
}

func (p *patient) issuerCheck(ctx context.Context) (finding, meeting) {
	got, ok := inTime(ctx, p.meet)
	switch {
	case !ok:
		return late(ctx, "issuer"), meeting{}
	case got.err != nil:
		return p.failure("issuer", got.err), meeting{}
	}
	return finding{Name: "issuer", Status: checkOK, Found: "answers in " + rounded(got.took)}, got
}

// meet goes the way of a call for a token, errors and all, but with a harmless
// request and without the secret. Any answer will do.
func (p *patient) meet(ctx context.Context) meeting {
	knock := &knock{by: transport()}
	config := p.feishu
	config.AppSecret, config.Transport, config.Logger = tokencache.NewSecret("none"), knock, slog.New(slog.DiscardHandler)
	feishu, err := fetcher.NewFeishu(config)
	if err != nil {
		return meeting{err: err}
	}
	_, err = feishu.Fetch(ctx) // what the answer says is of no interest
	knock.mu.Lock()
	defer knock.mu.Unlock()
	if knock.got.took > 0 {
		return knock.got
	}
	return meeting{err: err}
}

// transport is as the fetcher's own: no connection is kept.
func transport() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t = t.Clone()
	t.DisableKeepAlives = true
	return t
}

// knock sends a HEAD in the place of whatever it is given, and notes the answer.
type knock struct {
	by http.RoundTripper

	mu  sync.Mutex // guards got
	got meeting
}

// RoundTrip implements [http.RoundTripper].
func (k *knock) RoundTrip(req *http.Request) (*http.Response, error) {
	head, err := http.NewRequestWithContext(req.Context(), http.MethodHead, req.URL.String(), nil)
	if err != nil {
		return nil, err
	}
	head.Header.Set("User-Agent", req.Header.Get("User-Agent"))
	sent := time.Now()
	resp, err := k.by.RoundTrip(head)
	if err != nil {
		return nil, err
	}
	took := max(time.Since(sent), 1)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.got.took = took
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		// It is cut to whole seconds, so half a second more on average.
		k.got.clock = clock{true, date.Add(time.Second / 2).Sub(sent.Add(took / 2))}
	}
	return resp, nil
}

// credentialsCheck gets a token as `onetoken token` does. If Redis is known to be
// in trouble, that is not told again.
func (p *patient) credentialsCheck(ctx context.Context, troubled bool) finding {
	f, ok := inTime(ctx, func(ctx context.Context) finding { return p.tryCredentials(ctx, troubled) })
	if !ok {
		return late(ctx, "credentials")
	}
	return f
}

func (p *patient) tryCredentials(ctx context.Context, troubled bool) finding {
	p.calls.Add(1)
	defer p.calls.Done()
	seen := sight{logger: slog.New(slog.DiscardHandler)}
	config := p.config
	log := config.Observe
	config.Observe = func(e tokencache.Event) {
		log(e)
		seen.observe(e)
	}
	cache, err := tokencache.New(p.rdb, config)
	if err != nil {
		return p.failure("credentials", err)
	}
	feishu, err := fetcher.NewFeishu(p.feishu)
	if err != nil {
		return p.failure("credentials", err)
	}
	source := cache.Source(feishu)
	tok, err := source.Get(ctx)
	seen.settle(ctx, cache, deadline{})
	if seen.remembers(err) {
		err = &rememberedError{err, askedAgainIn(ctx, source)}
	}
	cache.Close() // a call in the background ends first
	if err != nil {
		return p.failure("credentials", err)
	}
	return p.credential(&seen, time.Until(tok.Expiry()), troubled)
}

const notShared = ", asked around redis and not shared"

// credential says where a token came from.
func (p *patient) credential(seen *sight, left time.Duration, troubled bool) finding {
	seen.mu.Lock()
	defer seen.mu.Unlock()
	life := rounded(left) + " left"
	switch {
	case seen.refused != nil: // in the background, with a token that is good
		f := p.failure("credentials", seen.refused)
		f.Found = "the fleet's token has " + life + ", but the issuer refused another: " + f.Found
		return f
	case seen.direct && troubled:
		return finding{"credentials", checkWarn, "the issuer gave a token, " + life + notShared, "mend what failed above"}
	case seen.direct:
		f := p.failure("credentials", cmp.Or(seen.redis, errors.New("redis was in trouble")))
		f.Status, f.Found = checkWarn, "the issuer gave a token, "+life+notShared+": "+f.Found
		return f
	case seen.called:
		return finding{Name: "credentials", Status: checkOK, Found: "the issuer gave a token, " + life}
	}
	return finding{Name: "credentials", Status: checkOK, Found: "the fleet has a token, " + life + "; the issuer was not asked"}
}
