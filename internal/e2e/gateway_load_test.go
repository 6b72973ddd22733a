//go:build linux

package e2e

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// TestTwoGateways kills one of two services again and again, while a crowd of clients calls an API by both: each
// repeats a call once with the other if one does not answer, and none ever fails. Stand-ins of one are good at the other.
func TestTwoGateways(t *testing.T) {
	length := lasts(t, 25*time.Second) // ONETOKEN_REFRESHERS
	killEvery := min(20*time.Second, length/4)
	w := newSite(t, 3, 20*time.Second)
	both, at := make([]*running, 2), make([]string, 2)
	for i := range both {
		address := fmt.Sprintf("127.0.0.1:%d", redistest.FreePort(t))
		at[i] = "http://" + address
		w.write(fmt.Sprintf("service-%d.yaml", i), strings.Replace(w.withGateway(address, ""), "  socket: tokens.sock\n", "", 1))
	}
	start := func(i int) {
		name := fmt.Sprintf("service-%d.yaml", i)
		both[i] = w.start(name)
	}
	for i := range both {
		start(i)
		both[i].awaitReady()
	}
	ctx, stop := context.WithTimeout(t.Context(), length)
	defer stop()
	var c callers
	calling := make(chan struct{})
	go func() {
		defer close(calling)
		c.call(ctx, at, w.apps)
	}()
	kills := 0
	for tick := time.Tick(killEvery); ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-tick:
			i := kills % 2
			both[i].kill()
			start(i)
			kills++
		}
	}
	<-calling
	calls, rotations := 0, 0
	for i := range w.apps {
		stats := w.issuer.App(appID(i)).Stats()
		calls, rotations = calls+stats.Calls, rotations+stats.Rotations
	}
	t.Logf("%v: %d kills; %d calls of the API, %d stand-ins, %d of them used at the other service; %d requests not answered by the service that was asked, %d by neither (%v); issuer: %d calls, %d rotations",
		length, kills, c.calls.Load(), c.given.Load(), c.crossed.Load(), c.repeated.Load(), c.failed.Load(), c.why.Load(), calls, rotations)
	assert.Greater(t, c.calls.Load(), int64(length/time.Second)*20)
	assert.Positive(t, kills)
	assert.Positive(t, c.crossed.Load())
	assert.Zero(t, c.failed.Load())
}

// callers are clients of the gateway, 50 calls a second in all.
type callers struct {
	calls, given, crossed, repeated, failed atomic.Int64
	why                                     atomic.Value
}

// call has each caller ask one service for its stand-in, and call the API by one or the other.
func (c *callers) call(ctx context.Context, at []string, apps int) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}, Timeout: 15 * time.Second}
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	defer all.Wait()
	for tick, n := time.Tick(20*time.Millisecond), 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick:
		}
		all.Go(func() {
			from, by := n%2, rand.IntN(2)
			given := c.twice(func(try int) (called, error) { return signOn(client, at[(from+try)%2], n%apps, botSecret) })
			c.given.Add(1)
			if given.Tenant == "" {
				return
			}
			if from != by {
				c.crossed.Add(1)
			}
			c.twice(func(try int) (called, error) { return sendMessage(client, at[(by+try)%2], given.Tenant) })
			c.calls.Add(1)
		})
	}
}

// twice repeats once what brought no answer, or the wrong one.
func (c *callers) twice(do func(try int) (called, error)) called {
	var got called
	var err error
	for try := range 2 {
		if got, err = do(try); err == nil && got.Code == 0 {
			return got
		}
		c.repeated.Add(1)
	}
	c.failed.Add(1)
	c.why.Store(fmt.Sprintf("%d %s %v", got.status, got.body, err))
	return called{}
}

// TestStreamsThroughTheGateway has many streams of events and large uploads pass at once: the service holds none of them.
func TestStreamsThroughTheGateway(t *testing.T) {
	const streams, uploads, size, most = 100, 10, 100 << 20, 100 << 10 // KiB
	w := newSite(t, 1, 2*time.Hour)
	api := &streaming{issuer: w.issuer, next: make(chan struct{})}
	w.server.Close()
	w.server = httptest.NewServer(api)
	t.Cleanup(func() {
		w.server.CloseClientConnections()
		w.server.Close()
	})
	w.write("service.yaml", w.withGateway("127.0.0.1:0", ""))
	r := w.start("service.yaml")
	r.awaitReady()
	given, err := signOn(http.DefaultClient, r.gateway(), 0, botSecret)
	require.NoError(t, err)
	require.Equal(t, 0, given.Code, given.body)
	_, err = sendMessage(http.DefaultClient, r.gateway(), given.Tenant)
	require.NoError(t, err)
	before := r.consumed()

	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	do := func(method, path string, body io.Reader, length int64) (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, method, r.gateway()+path, body)
		if err != nil {
			return nil, err
		}
		req.ContentLength = length
		req.Header.Set("Authorization", "Bearer "+given.Tenant)
		return client.Do(req)
	}
	events := make(chan int, streams)
	for range streams {
		go func() { events <- countEvents(do) }()
	}
	require.Eventually(t, func() bool { return api.streams.Load() == streams }, 20*time.Second, 10*time.Millisecond)
	var sending sync.WaitGroup
	for i := range uploads {
		sending.Go(func() {
			sum, length := sha256.New(), int64(size)
			if i%2 == 1 {
				length = -1 // in chunks
			}
			res, err := do(http.MethodPost, "/open-apis/upload", io.TeeReader(io.LimitReader(&noise{uint64(i)}, size), sum), length)
			if !assert.NoError(t, err) {
				return
			}
			defer res.Body.Close()
			answer, err := io.ReadAll(res.Body)
			assert.NoError(t, err)
			assert.Equal(t, hex.EncodeToString(sum.Sum(nil)), string(answer))
		})
	}
	sending.Wait()
	close(api.next) // each stream has been open all the while, and ends with its events
	total := 0
	for range streams {
		total += <-events
	}
	after := r.consumed()
	t.Logf("%d streams, %d uploads of %d MiB: %d events; peak RSS %d KiB before, %d after: grown by %d KiB", streams, uploads, size>>20, total, before.rss, after.rss, after.rss-before.rss)
	assert.Equal(t, streams*3, total)
	assert.Less(t, after.rss-before.rss, most)
}

// countEvents reads a stream to its end.
func countEvents(do func(method, path string, body io.Reader, length int64) (*http.Response, error)) (n int) {
	res, err := do(http.MethodGet, "/open-apis/events", nil, 0)
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		if lines.Text() != "" {
			n++
		}
	}
	return n
}

// streaming is an API that sends events, and takes uploads; all else is the issuer's.
type streaming struct {
	issuer interface {
		http.Handler
		Valid(token string) bool
	}
	streams atomic.Int64
	next    chan struct{}
}

func (s *streaming) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path != "/open-apis/events" && r.URL.Path != "/open-apis/upload":
		s.issuer.ServeHTTP(w, r)
	case len(r.Header.Get("Authorization")) < 8 || !s.issuer.Valid(r.Header.Get("Authorization")[len("Bearer "):]):
		w.WriteHeader(http.StatusBadRequest)
	case r.URL.Path == "/open-apis/upload":
		sum := sha256.New()
		_, _ = io.Copy(sum, r.Body)
		_, _ = io.WriteString(w, hex.EncodeToString(sum.Sum(nil)))
	default:
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: first\n\n")
		_ = http.NewResponseController(w).Flush()
		s.streams.Add(1)
		select {
		case <-s.next:
			_, _ = io.WriteString(w, "data: second\n\ndata: last\n\n")
		case <-r.Context().Done():
		}
	}
}

// noise is cheap, and never the same for long.
type noise struct{ state uint64 }

func (n *noise) Read(p []byte) (int, error) {
	for i := range p {
		if i%64 == 0 {
			n.state = n.state*6364136223846793005 + 1442695040888963407
		}
		p[i] = byte(n.state >> (i % 8 * 8))
	}
	return len(p), nil
}
