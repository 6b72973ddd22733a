package doctor

import (
	"context"
	"net/http"
	"sync"
	"time"
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
	case !ok, cutShort(ctx, got.err):
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
	issuer, err := p.Issuer.Knock(knock)
	if err != nil {
		return meeting{err: err}
	}
	return knock.meet(ctx, issuer)
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

// meet has a fetcher that sends by way of k go to its issuer.
func (k *knock) meet(ctx context.Context, issuer Fetcher) meeting {
	_, err := issuer.Fetch(ctx) // what the answer says is of no interest
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.got.took > 0 {
		return k.got
	}
	return meeting{err: err}
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
