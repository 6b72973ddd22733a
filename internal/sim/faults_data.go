package sim

import (
	"context"
	"crypto/sha1"
	"fmt"
	"math/rand/v2"
	"time"
)

// What happens to the data in Redis. All of it costs the fleet a call at most for
// each app, and nobody who waits more than that.
var dataFaults = []kind{
	{
		name: "flushed", family: data, everyReplica: true, everyApp: true, onCall: 0.5, shortest: 1, longest: 1, trouble: trouble{lost: true, failure: true, repeats: 2},
		begin: atOnce(func(w *world, _ *app, _ *rand.Rand) bool {
			w.loses(nil, w.redis.Server().FlushAll)
			return true
		}),
	}, {
		name: "restarted empty", family: data, everyReplica: true, everyApp: true, onCall: 0.5, shortest: 1, longest: 1,
		trouble: trouble{lost: true, failure: true, redis: true, tail: 10 * time.Second, repeats: 2},
		begin: atOnce(func(w *world, _ *app, _ *rand.Rand) bool {
			w.loses(nil, w.redis.Server().FlushAll)
			_ = w.admin.ScriptFlush(context.Background()).Err()
			w.cutAll()
			return true
		}),
	}, {
		name: "scripts flushed", family: data, everyReplica: true, onCall: 0.5, shortest: 1, longest: 1, trouble: trouble{},
		begin: atOnce(func(w *world, _ *app, _ *rand.Rand) bool {
			return w.admin.ScriptFlush(context.Background()).Err() == nil
		}),
	},
	evicted("token", 0.2), evicted("lock", 0.9), evicted("failure", 0.2),
	{
		name: "token garbled", family: data, everyReplica: true, onCall: 0.3, shortest: 1, longest: 1, trouble: trouble{lost: true, repeats: 2},
		begin: toToken(func(w *world, key string, rng *rand.Rand) {
			field := []string{"sealed", "sum", "fingerprint", "life", "ends_at"}[rng.IntN(5)]
			value := []string{"", "garbled", "-7", "1e300"}[rng.IntN(4)]
			w.redis.Server().HSet(key, field, value)
		}),
	}, {
		// Sound as far as Redis can tell: another build's, another secret's, or planted. Others may
		// have to ask until whoever has the lock finds it.
		name: "token sealed by another", family: data, everyReplica: true, onCall: 0.5, shortest: 1, longest: 1, trouble: trouble{lost: true, repeats: 2},
		begin: atOnce(func(w *world, a *app, rng *rand.Rand) bool {
			key := w.key(a, "token")
			if kind := w.redis.Server().Type(key); kind != "hash" && kind != "" {
				return false
			}
			w.loses(a, func() { w.plant(key, rng) })
			return true
		}),
	}, {
		name: "token for ever", family: data, everyReplica: true, onCall: 0.2, shortest: 1, longest: 1, trouble: trouble{lost: true, repeats: 2},
		begin: toToken(func(w *world, key string, _ *rand.Rand) { _ = w.admin.Persist(context.Background(), key).Err() }),
	}, {
		name: "token prolonged", family: data, everyReplica: true, onCall: 0.2, shortest: 1, longest: 1, trouble: trouble{lost: true, repeats: 2},
		begin: toToken(func(w *world, key string, rng *rand.Rand) {
			ttl := w.s.life/2 + time.Duration(rng.Int64N(int64(w.s.life)))
			_ = w.admin.PExpire(context.Background(), key, ttl).Err()
		}),
	}, {
		name: "token shortened", family: data, everyReplica: true, onCall: 0.2, shortest: 1, longest: 1, trouble: trouble{lost: true, failure: true, repeats: 3}, // it may Refresh
		begin: func(w *world, f *fault, r *replica, rng *rand.Rand) effect {
			e := toToken(func(w *world, key string, rng *rand.Rand) {
				ttl := time.Duration(rng.Int64N(max(1, int64(w.redis.Server().TTL(key))))) + time.Second
				_ = w.admin.PExpire(context.Background(), key, ttl).Err()
			})(w, f, r, rng)
			if e.took && rng.IntN(2) == 0 {
				r.refresh(w.apps[f.app])
			}
			return e
		},
	}, {
		name: "lock for ever", family: data, everyReplica: true, onCall: 0.9, shortest: 1, longest: 1, trouble: trouble{lost: true, failure: true, repeats: 1},
		begin: atOnce(func(w *world, a *app, rng *rand.Rand) bool {
			key := w.key(a, "lock")
			defer w.check.noteLock(a)
			if !w.redis.Server().Exists(key) {
				return rng.IntN(2) == 0 && w.redis.Server().Set(key, nobodysLock) == nil
			}
			return w.admin.Persist(context.Background(), key).Val()
		}),
	}, {
		name: "failure for ever", family: data, everyReplica: true, onCall: 0.5, shortest: 1, longest: 1, trouble: trouble{lost: true, failure: true, repeats: 1},
		begin: atOnce(func(w *world, a *app, _ *rand.Rand) bool {
			until := fmt.Sprint(time.Now().AddDate(1, 0, 0).UnixMilli())
			w.redis.Server().HSet(w.key(a, "failure"), "until", until, "class", "permanent", "attempts", "x")
			return true
		}),
	},
	foreign("token"), foreign("lock"), foreign("failure"),
}

func atOnce(do func(*world, *app, *rand.Rand) (took bool)) begin {
	return func(w *world, f *fault, _ *replica, rng *rand.Rand) effect {
		return effect{took: do(w, w.apps[f.app], rng)}
	}
}

// toToken is for what somebody does to a stored token, if there is one.
func toToken(do func(w *world, key string, rng *rand.Rand)) begin {
	return atOnce(func(w *world, a *app, rng *rand.Rand) bool {
		key := w.key(a, "token")
		if kind, _ := w.admin.Type(context.Background(), key).Result(); kind != "hash" {
			return false
		}
		w.loses(a, func() { do(w, key, rng) })
		return true
	})
}

// plant stores a record that nobody can open, for a token's whole life.
func (w *world) plant(key string, rng *rand.Rand) {
	now, life := w.redisNow(), w.s.life.Milliseconds()
	sealed, fp := randomText(rng, 100), fmt.Sprintf("%016x%016x", rng.Uint64(), rng.Uint64())
	sum := sha1.New()
	for _, part := range []string{sealed, fp, fmt.Sprint(life)} {
		_, _ = fmt.Fprintf(sum, "%d:%s", len(part), part)
	}
	ctx := context.Background()
	_ = w.admin.HSet(ctx, key, "sealed", sealed, "fingerprint", fp, "life", life, "sum", fmt.Sprintf("%x", sum.Sum(nil)),
		"checked_at", now, "stored_at", now, "ends_at", now+life).Err()
	_ = w.admin.PExpire(ctx, key, w.s.life).Err()
}

func (w *world) key(a *app, kind string) string { return "onetoken:{" + a.key + "}:" + kind }

// cutAll closes every connection there is.
func (w *world) cutAll() {
	for _, r := range w.alive() {
		r.link.Cut()
	}
}

func evicted(what string, onCall float64) kind {
	return kind{
		name: what + " evicted", family: data, everyReplica: true, onCall: onCall, shortest: 1, longest: 1, trouble: trouble{lost: true, failure: what != "token", repeats: 2},
		begin: atOnce(func(w *world, a *app, _ *rand.Rand) (took bool) {
			evict := func() { took = w.redis.Server().Del(w.key(a, what)) }
			if what == "token" {
				w.loses(a, evict)
			} else {
				evict()
				w.check.noteLock(a)
			}
			return took
		}),
	}
}

// foreign puts something of another type under a key, which nothing may delete: in
// the end whoever put it there takes it away.
func foreign(what string) kind {
	return kind{
		name: "foreign " + what, family: data, everyReplica: true, onCall: 0.3, shortest: time.Second, longest: time.Minute,
		trouble: trouble{lost: true, failure: true, redis: true, tail: 20 * time.Second, repeats: 1},
		begin: func(w *world, f *fault, _ *replica, _ *rand.Rand) effect {
			a, key := w.apps[f.app], w.key(w.apps[f.app], what)
			ctx, began := context.Background(), time.Now()
			w.loses(a, func() {
				_ = w.admin.Del(ctx, key).Err()
				_ = w.admin.RPush(ctx, key, "not ours").Err()
			})
			return lasts(func() {
				others := w.troubled(everybody, f.app, began, time.Now(), func(t *trouble) bool { return t.lost && !t.from.Equal(began) })
				if kind, _ := w.admin.Type(ctx, key).Result(); kind != "list" && !others {
					w.check.violated("F18", "redis", "a foreign %s is gone: there is %s", what, kind)
				}
				w.loses(a, func() { _ = w.admin.Del(ctx, key).Err() })
			})
		},
	}
}
