package tokencache

import (
	"context"
	"log/slog"
	"net"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// Whoever waits for a subscription to stand looks once when it does, not twice.
func TestConfirmationIsNoFurtherNews(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}) // never dialled
	defer rdb.Close()
	cache, err := New(rdb, Config{})
	require.NoError(t, err)
	defer cache.Close()
	src := cache.Source(nobody{})
	ch := &channel{hearers: []hearer{&src.listener}}
	n := &notifier{channels: map[string]*channel{"c": ch}, told: map[string]*channel{"c": ch}}
	for range 2000 {
		ch.confirmed = make(chan struct{})
		news := make(chan (<-chan struct{}))
		go func(confirmed <-chan struct{}) {
			<-confirmed
			news <- src.state.changes()
		}(ch.confirmed)
		n.confirm("c")
		select {
		case <-<-news:
			t.Fatal("told, and then told again")
		default:
		}
	}
}

// nobody is a Fetcher that is never asked.
type nobody struct{}

func (nobody) Credential() Credential {
	return MustCredential(CredentialConfig{Issuer: "nobody", App: "app", Window: time.Minute})
}

func (nobody) Fetch(context.Context) (Token, error) { panic("asked") }

// A Dialer of the user's that panics ends a session, and no more.
func TestNotifierSurvivesADialer(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Dialer: func(context.Context, string, string) (net.Conn, error) { panic("for the test") }, MaxRetries: -1})
	defer rdb.Close()
	session := rdb.Subscribe(t.Context())
	defer session.Close()
	require.NotPanics(t, func() { write(session, []string{"c"}, []string{"d"}) })
}

// A channel that nobody wanted for a moment, in which the session was told of nothing, is still
// subscribed to: whoever wants it again need not wait.
func TestSubscriptionWantedAgain(t *testing.T) {
	const before, between, after = "confirmed by then", "confirmed when nobody wanted it", "confirmed afterwards"
	for _, edge := range []string{before, between, after} {
		t.Run(edge, func(t *testing.T) {
			rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}) // never dialled
			defer rdb.Close()
			s := lonelySource(t)
			name := s.listener.channel()
			n := &notifier{channels: map[string]*channel{}, running: true, telling: true} // nobody else does
			n.connected(rdb.Subscribe(t.Context()), nil)
			tell := func() (join, leave []string) {
				_, join, leave = n.difference()
				n.telling = true
				return join, leave
			}
			n.add(&s.listener)
			join, leave := tell()
			assert.Equal(t, []string{name}, join)
			assert.Empty(t, leave)
			if edge == before {
				n.confirm(name)
			}
			n.remove(&s.listener)
			if edge == between {
				n.confirm(name)
			}
			confirmed := n.add(&s.listener)
			join, leave = tell()
			assert.Empty(t, append(join, leave...), "it has not heard of it")
			if edge == after {
				assert.False(t, isClosed(confirmed))
				n.confirm(name)
			}
			assert.True(t, isClosed(confirmed))
			assert.True(t, n.hears(&s.listener))

			n.remove(&s.listener)
			join, leave = tell()
			assert.Empty(t, join)
			assert.Equal(t, []string{name}, leave)
			confirmed = n.add(&s.listener)
			join, _ = tell()
			assert.Equal(t, []string{name}, join)
			assert.False(t, isClosed(confirmed), "it is told anew")
			n.dropped(name)
			n.confirm(name)
			assert.True(t, n.hears(&s.listener))
		})
	}
}

// A connection that ends its reader's goroutine ends a session, and no more: the next event is heard.
func TestNotifierSurvivesAConnection(t *testing.T) {
	for edge, end := range map[string]func(){"panic": func() { panic("for the test") }, "Goexit": runtime.Goexit} {
		t.Run(edge, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := redistest.NewBubble(t)
				var ends atomic.Bool
				rdb := b.Client("ours")
				rdb.AddHook(dialing(func(conn net.Conn) net.Conn {
					return hooked{conn, func() {
						if ends.CompareAndSwap(true, false) {
							end()
						}
					}}
				}))
				cache, err := New(rdb, Config{Logger: slog.New(slog.DiscardHandler)})
				require.NoError(t, err)
				defer cache.Close()
				s := cache.Source(FetchFunc(MustCredential(CredentialConfig{Issuer: "test"}), func(context.Context) (Token, error) {
					return NewToken("t", "", time.Hour), nil
				}))
				_, err = s.Get(t.Context())
				require.NoError(t, err)
				time.Sleep(5 * time.Second)
				require.True(t, s.notifier.hears(&s.listener))
				ends.Store(true)
				require.NoError(t, b.Admin().Publish(t.Context(), s.store.keys.channel(), "x").Err())
				synctest.Wait()
				require.False(t, ends.Load())
				assert.False(t, s.notifier.hears(&s.listener))
				time.Sleep(5 * time.Second)
				assert.True(t, s.notifier.hears(&s.listener))
			})
		})
	}
}

// hooked is a connection that does something when it has read, as somebody's own may.
type hooked struct {
	net.Conn
	then func()
}

func (h hooked) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.then()
	return n, err
}

// dialing is a hook of a client that gives it other connections.
type dialing func(net.Conn) net.Conn

func (d dialing) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := next(ctx, network, addr)
		return d(conn), err
	}
}

func (d dialing) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (d dialing) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
