package gateway

import (
	"context"
	"net/http"
	"net/url"
	"sync"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/tokencache"
)

// upstream is where an app's APIs are.
type upstream struct {
	base *url.URL
	// These add the token: package bearer takes it from the *tokens in the request's context. By the one a body can be sent
	// once more, by the other it cannot.
	keeping, passing http.RoundTripper
}

// upstreams are those that were used, so that nothing has to be made anew for each call.
type upstreams struct {
	mu    sync.RWMutex // guards known
	known map[upstreamKey]upstream
}

type upstreamKey struct {
	baseURL string
	api     http.RoundTripper
}

// mostUpstreams bounds what reloads leave behind: beyond it all are forgotten, and made anew.
const mostUpstreams = 1024

func (u *upstreams) to(app App) (upstream, error) {
	key := upstreamKey{app.BaseURL, app.API}
	u.mu.RLock()
	known, ok := u.known[key]
	u.mu.RUnlock()
	if ok {
		return known, nil
	}
	made, err := newUpstream(app)
	if err != nil {
		return upstream{}, err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.known == nil || len(u.known) >= mostUpstreams {
		u.known = map[upstreamKey]upstream{}
	}
	u.known[key] = made
	return made, nil
}

// newUpstream rejects an App without API: package bearer would fall back to http.DefaultTransport.
func newUpstream(app App) (upstream, error) {
	if app.API == nil || app.BaseURL == "" {
		return upstream{}, errNoWay
	}
	base, err := url.Parse(app.BaseURL)
	if err != nil {
		return upstream{}, err
	}
	config := bearer.Config{For: tokensOf, Hosts: []string{base.Scheme + "://" + base.Host}, Base: app.API}
	passing, err := bearer.New(config)
	if err != nil {
		return upstream{}, err
	}
	config.KeepBody = keepBody
	keeping, err := bearer.New(config)
	return upstream{base, keeping, passing}, err
}

// tokens are those of one request. Package bearer asks for them from one goroutine.
type tokens struct {
	live  Live
	kind  bearer.Kind
	given bool
}

type tokensKey struct{}

func tokensOf(r *http.Request) (bearer.Source, bearer.Kind) {
	t, ok := r.Context().Value(tokensKey{}).(*tokens)
	if !ok {
		return nil, 0
	}
	return t, t.kind
}

// Get returns the token that was at hand. After a rejection package bearer calls it again, and it waits for another.
func (t *tokens) Get(ctx context.Context) (tokencache.Token, error) {
	if !t.given {
		t.given = true
		return t.live.Token, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return t.live.Tokens.Another(ctx)
}

func (t *tokens) Invalidate(ctx context.Context, bad tokencache.Token) error {
	return t.live.Tokens.Invalidate(ctx, bad)
}
