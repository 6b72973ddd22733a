package tokencache

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
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
	n := &notifier{channels: map[string]*channel{"c": ch}}
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
