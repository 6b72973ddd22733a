package acl_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/acl"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/lock"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

const (
	user     = "onetoken"
	password = "a-p4ssword"
	patience = 2 * time.Second
)

// permit makes the user anew, with these rules.
func permit(server *redistest.Server, rules ...any) {
	server.Exec("ACL", "DELUSER", user)
	server.Exec(append([]any{"ACL", "SETUSER", user, "reset", "on", ">" + password}, rules...)...)
	server.Exec("ACL", "LOG", "RESET")
}

// denied are the commands that Redis has refused to anyone since permit, each once.
func denied(server *redistest.Server) (names []string) {
	for _, entry := range server.Exec("ACL", "LOG").([]any) {
		for name, value := range entry.(map[any]any) {
			if name == "object" {
				names = append(names, value.(string))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// asUser is a client's login. The database is not 0, so that the client has to
// select it.
func asUser(o *redis.Options) { o.Username, o.Password, o.DB = user, password, 1 }

// issuer is a Fetcher with a credential of its own.
type issuer struct {
	app   string
	calls atomic.Int64
	slow  atomic.Int64 // how long the next call takes
	fails atomic.Bool
}

func (i *issuer) Credential() tokencache.Credential {
	return tokencachetest.Credential(i.app, 0)
}

func (i *issuer) Fetch(context.Context) (tokencache.Token, error) {
	n := i.calls.Add(1)
	time.Sleep(time.Duration(i.slow.Swap(0)))
	if i.fails.Load() {
		return tokencache.Token{}, &tokencache.IssuerError{Issuer: "test", Message: "no", Class: tokencache.ClassPermanent}
	}
	return tokencache.NewToken(fmt.Sprintf("%s-app-%d", i.app, n), "", 8*time.Second), nil
}

// replica is a Cache with one Source and a client of its own. It notes what went
// wrong, also where nobody is told.
type replica struct {
	*tokencache.Source
	cache *tokencache.Cache
	rdb   redis.UniversalClient

	settled chan struct{} // told of a wait of the Source without a Fetcher

	mu    sync.Mutex // guards below
	wrong []error
}

func newReplica(t *testing.T, rdb redis.UniversalClient, i *issuer, mods ...func(*tokencache.Config)) *replica {
	r := &replica{rdb: rdb, settled: make(chan struct{}, 1)}
	config := tokencache.Config{
		Jitter: func() float64 { return 0 }, NoDirect: true, Logger: slog.New(slog.DiscardHandler),
		Observe: func(e tokencache.Event) {
			if e.ID == r.cache.Source(nil).ID() {
				r.settled <- struct{}{}
				return
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			if errors.Is(e.Err, tokencache.ErrRedis) {
				r.wrong = append(r.wrong, fmt.Errorf("%v: %w", e.Kind, e.Err))
			}
		},
	}
	for _, mod := range mods {
		mod(&config)
	}
	cache, err := tokencache.New(rdb, config)
	require.NoError(t, err)
	t.Cleanup(func() { cache.Close() })
	r.cache, r.Source = cache, cache.Source(i)
	return r
}

// troubles are what Redis refused so far.
func (r *replica) troubles() error {
	_, _ = r.cache.Source(nil).Get(context.Background()) // told of after all there was
	<-r.settled
	r.mu.Lock()
	defer r.mu.Unlock()
	return errors.Join(r.wrong...)
}

// holds reports whether r comes to hold tok, without asking for it.
func (r *replica) holds(tok tokencache.Token) bool {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if got, ok := r.Peek(); ok && got.Equal(tok) {
			return true
		}
	}
	return false
}

// tour has two replicas do everything that a fleet does in its life, and returns
// the first thing that goes wrong. What the admin does in between are the faults.
func tour(t *testing.T, admin *redis.Client, a, b *replica, i *issuer) error {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for _, step := range []func() error{
		func() error { _, err := a.Get(ctx); return err },
		func() error { _, err := b.Get(ctx); return err },
		func() error { return hearing(ctx, a, b, i) },
		func() error { return mending(ctx, admin, a) },
		func() error { return failing(ctx, a, b, i) },
		func() error { return rejecting(ctx, a, b) },
		func() error { return lockTour(ctx, a.rdb) },
		func() error { _, err := a.cache.Survey(ctx); return err },
	} {
		if err := errors.Join(step(), a.troubles(), b.troubles()); err != nil {
			return err
		}
	}
	_ = a.Source.Close()
	return nil
}

// hearing: one asks, the other is told. The holder is slow, so that its lock has
// to be extended.
func hearing(ctx context.Context, a, b *replica, i *issuer) error {
	i.slow.Store(int64(300 * time.Millisecond))
	tok, _, err := a.Refresh(ctx)
	if err == nil && !b.holds(tok) {
		err = errors.New("event not heard")
	}
	return err
}

// mending: somebody else has left a field in the record, and a lock for ever.
func mending(ctx context.Context, admin *redis.Client, a *replica) error {
	prefix := "onetoken:{" + a.ID() + "}:"
	admin.HSet(ctx, prefix+"token", "foreign", 1)
	admin.Set(ctx, prefix+"lock", "closed", 0)
	_, _, err := a.Refresh(ctx)
	return err
}

// failing: the other is told, and a success ends it.
func failing(ctx context.Context, a, b *replica, i *issuer) error {
	i.fails.Store(true)
	_, _, err := a.Refresh(ctx)
	if _, ok := errors.AsType[*tokencache.IssuerError](err); !ok {
		return fmt.Errorf("a failure: %w", err)
	}
	status, err := b.Status(ctx)
	if err == nil && status.Failure == nil {
		err = errors.New("failure not shared")
	}
	i.fails.Store(false)
	if err == nil {
		_, _, err = a.Refresh(ctx)
	}
	return err
}

func rejecting(ctx context.Context, a, b *replica) error {
	tok, _ := a.Peek()
	if err := b.Invalidate(ctx, tok); err != nil {
		return err
	}
	_, err := b.Get(ctx)
	return err
}

// lockTour is what happens rarely: a lock that is taken between look and try, and
// a try whose reply was lost and that the client has sent again.
func lockTour(ctx context.Context, rdb redis.UniversalClient) error {
	const key = "onetoken:{test:lock}:lock"
	locker := lock.New(rdb)
	lease, err := locker.TryAcquire(ctx, key, time.Second, time.Second)
	if err != nil {
		return err
	}
	defer func() { _ = lease.Release(ctx) }()
	if _, err := locker.TryAcquire(ctx, key, time.Second, time.Second); !errors.Is(err, lock.ErrHeld) {
		return fmt.Errorf("taken twice: %w", err)
	}
	return obtainAgain(ctx, rdb, key, lease.Value())
}

// rulesWithout are the full rules but for one command.
func rulesWithout(name string) (rules []any) {
	rules = []any{"resetchannels", acl.Keys("onetoken"), acl.Channels("onetoken"), "-@all"}
	for _, c := range append(acl.Names(acl.Commands), acl.Survey.Name) {
		if c != name {
			rules = append(rules, "+"+c)
		}
	}
	return rules
}
