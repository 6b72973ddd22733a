package peers

import (
	"context"
	"errors"
	"time"

	"github.com/bsm/redislock"
	"github.com/dtm-labs/rockscache"
	"github.com/go-redsync/redsync/v4"
	"github.com/go-redsync/redsync/v4/redis/goredis/v9"
	"github.com/redis/go-redis/v9"
)

// NoLock is the name of the way that knows no lock: the floor for waiting.
const NoLock = "no lock"

// Call is one call to the issuer.
type Call func(context.Context) error

// Way is how the replicas of a fleet get a token that none of them has. Join makes
// one replica with a client of its own; credential tells fleets apart.
type Way struct {
	Name string
	Join func(rdb *redis.Client, credential string, call Call) Replica
}

// Replica is one process: Get returns once it has a token, Close ends it.
type Replica struct {
	Get   func(context.Context) error
	Close func()
}

// Ways are the floor and the peers. Each looks for the token first.
func Ways() []Way {
	return []Way{
		{NoLock, noLock},
		{"rockscache", rocks(PollEvery)},
		{"rockscache, LockSleep 10 ms", rocks(10 * time.Millisecond)},
		{"redislock, LinearBackoff(10 ms)", backoff(10 * time.Millisecond)},
		{"redislock, LinearBackoff(100 ms)", backoff(100 * time.Millisecond)},
		{"redsync", mutex},
	}
}

// lease is how long peers keep a lock: longer than any run.
const lease = time.Minute

// cell is a token in Redis, as the peers keep it.
type cell struct {
	rdb  *redis.Client
	key  string
	call Call
}

func (c cell) lock() string { return c.key + ":lock" }

// look reports whether there is a token.
func (c cell) look(ctx context.Context) (bool, error) {
	err := c.rdb.Get(ctx, c.key).Err()
	if errors.Is(err, redis.Nil) {
		return false, nil
	}
	return err == nil, err
}

// ask calls the issuer and stores the token.
func (c cell) ask(ctx context.Context) error {
	if err := c.call(ctx); err != nil {
		return err
	}
	return c.rdb.Set(ctx, c.key, token, life).Err()
}

// lookOrAsk is what whoever holds the lock does.
func (c cell) lookOrAsk(ctx context.Context) error {
	if there, err := c.look(ctx); there || err != nil {
		return err
	}
	return c.ask(ctx)
}

// replica has no more to close than its client.
func replica(get func(context.Context) error) Replica {
	return Replica{Get: get, Close: func() {}}
}

// noLock is the official SDK's way on a cache in Redis.
func noLock(rdb *redis.Client, credential string, call Call) Replica {
	return replica(cell{rdb, credential, call}.lookOrAsk)
}

// PollEvery is rockscache's pause between two looks, unless it is told otherwise.
const PollEvery = 100 * time.Millisecond

// rocks is rockscache as its README has it for strong consistency: Fetch, with
// StrongConsistency set. A hash holds the value, lockUntil and lockOwner: one script reads it, and
// takes the lock if there is no value; whoever finds it locked looks again after LockSleep.
// LockExpire is to be the longest time that a call may take, so it is the lease of the
// others; everything else is left at its default. As each replica is a client of its own,
// what rockscache shares within a process is of no use here.
func rocks(pause time.Duration) func(*redis.Client, string, Call) Replica {
	return func(rdb *redis.Client, credential string, call Call) Replica {
		options := rockscache.NewDefaultOptions()
		options.StrongConsistency = true
		options.LockExpire = lease
		options.LockSleep = pause
		cache := rockscache.NewClient(rdb, options)
		return replica(func(ctx context.Context) error {
			_, err := cache.Fetch2(ctx, credential, life, func() (string, error) { return token, call(ctx) })
			return err
		})
	}
}

// backoff is redislock as its documentation has it: try for the lock at intervals,
// then look again.
func backoff(pause time.Duration) func(*redis.Client, string, Call) Replica {
	return func(rdb *redis.Client, credential string, call Call) Replica {
		c, locks := cell{rdb, credential, call}, redislock.New(rdb)
		options := &redislock.Options{RetryStrategy: redislock.LinearBackoff(pause)}
		return replica(func(ctx context.Context) error {
			if there, err := c.look(ctx); there || err != nil {
				return err
			}
			held, err := locks.Obtain(ctx, c.lock(), lease, options)
			if err != nil {
				return err
			}
			return errors.Join(c.lookOrAsk(ctx), held.Release(ctx))
		})
	}
}

// mutex is redsync with its own pauses, 50 to 250 ms, but as many tries as it takes:
// after the 32 of its default a herd of a thousand has not had its turn.
func mutex(rdb *redis.Client, credential string, call Call) Replica {
	const tries = 10_000
	c, locks := cell{rdb, credential, call}, redsync.New(goredis.NewPool(rdb))
	return replica(func(ctx context.Context) error {
		if there, err := c.look(ctx); there || err != nil {
			return err
		}
		held := locks.NewMutex(c.lock(), redsync.WithExpiry(lease), redsync.WithTries(tries))
		if err := held.LockContext(ctx); err != nil {
			return err
		}
		got := c.lookOrAsk(ctx)
		_, err := held.UnlockContext(ctx)
		return errors.Join(got, err)
	})
}
