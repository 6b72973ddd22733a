package tokencache_test

import (
	"context"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// F15: go-redis dials again and again for longer than a RedisTimeout, and keeps to itself what it
// met. Errors and the log name it all the same, and blame the load only where there was a
// connection.
func TestF15ErrorsNameWhatTheClientMet(t *testing.T) {
	notFound := func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "redis.example", IsNotFound: true}}
	}
	for name, c := range map[string]struct {
		spoil func(*redistest.Link)
		dial  func(context.Context, string, string) (net.Conn, error)
		says  string
	}{
		"refused":        {spoil: (*redistest.Link).Down, says: "redis unreachable: dial tcp 127.0.0.1:6379: connect: connection refused: check the address and that redis runs"},
		"name not found": {dial: notFound, says: "redis unreachable: dial tcp: lookup redis.example: no such host: check the address and that redis runs"},
		"black hole":     {spoil: func(l *redistest.Link) { l.BlackHole(true) }, says: "redis timeout: context deadline exceeded: check the load of redis and the network in between"},
		"slow":           {spoil: func(l *redistest.Link) { l.Delay(2 * time.Second) }, says: "redis timeout: context deadline exceeded: check the load of redis and the network in between"},
		"a Dialer that panics": {
			dial: func(context.Context, string, string) (net.Conn, error) { time.Sleep(2 * time.Second); panic("dial") },
			says: "redis timeout: context deadline exceeded: check the load of redis and the network in between",
		},
	} {
		for client, punctual := range map[string]bool{"default": false, "punctual": true} {
			if punctual && strings.Contains(name, "panics") {
				continue // it would be in our goroutine
			}
			t.Run(name+"/"+client, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := redistest.NewBubble(t)
					rdb := b.Client("a", func(o *redis.Options) { o.ContextTimeoutEnabled = punctual })
					if c.dial != nil {
						rdb = redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", Dialer: c.dial, ContextTimeoutEnabled: punctual})
						defer rdb.Close()
					}
					if c.spoil != nil {
						c.spoil(b.Link("a"))
					}
					log := &collector{}
					cache, err := tokencache.New(rdb, tokencache.Config{NoDirect: true, Logger: slog.New(slog.NewTextHandler(log, nil))})
					require.NoError(t, err)
					_, err = cache.Source(tokencachetest.NewFetcher("cli_test")).Get(t.Context())
					assert.ErrorContains(t, err, c.says)
					synctest.Wait()
					require.NoError(t, cache.Close())
					assert.Equal(t, 1, strings.Count(log.String(), "redis does not answer"), log.String())
					assert.Contains(t, log.String(), c.says)
					b.Link("a").Heal()
					time.Sleep(time.Minute) // the client's own time-outs
				})
			})
		}
	}
}

// F15: the log says what serves: not copies where there are none. Another reason for the silence
// is told of, each once.
func TestF15LogSaysWhatServes(t *testing.T) {
	for name, c := range map[string]struct {
		warm, noDirect bool
		says           string
	}{
		"a copy":             {warm: true, says: `meanwhile="tokens at hand serve"` + "\n"},
		"a copy, NoDirect":   {warm: true, noDirect: true, says: `meanwhile="tokens at hand serve"` + "\n"},
		"none":               {says: `meanwhile="whoever has no token at hand asks the issuer directly"`},
		"none, and NoDirect": {noDirect: true, says: `meanwhile="whoever has no token at hand gets none, as NoDirect is set"`},
	} {
		for trouble, spoil := range map[string]func(l *redistest.Link) (says string){
			"silent": func(l *redistest.Link) string { l.Down(); return "redis does not answer" },
			"refuses": func(l *redistest.Link) string {
				l.Fail("OOM command not allowed", nil)
				return "redis refuses"
			},
		} {
			t.Run(name+"/"+trouble, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					b := redistest.NewBubble(t)
					log := &collector{}
					cache, err := tokencache.New(b.Client("a"), tokencache.Config{NoDirect: c.noDirect, Logger: slog.New(slog.NewTextHandler(log, nil))})
					require.NoError(t, err)
					source := cache.Source(tokencachetest.NewFetcher("cli_test"))
					if c.warm {
						_, err = source.Get(t.Context())
						require.NoError(t, err)
					}
					message := spoil(b.Link("a"))
					_, _, _ = source.Refresh(t.Context())
					synctest.Wait()
					assert.Contains(t, log.String(), `msg="`+message+`"`)
					assert.Contains(t, log.String(), c.says)
					assert.NotContains(t, log.String(), "copies")
					if trouble == "silent" {
						time.Sleep(10 * time.Second)
						b.Link("a").Heal()
						b.Link("a").BlackHole(true)
						time.Sleep(20 * time.Second)
						b.Link("a").BlackHole(false)
						b.Link("a").Down()
						time.Sleep(20 * time.Second)
						synctest.Wait()
						assert.Equal(t, 2, strings.Count(log.String(), message), log.String())
						assert.Equal(t, 1, strings.Count(log.String(), "redis timeout"), log.String())
					}
					b.Link("a").Heal()
					require.NoError(t, cache.Close())
					time.Sleep(time.Minute)
				})
			})
		}
	}
}
