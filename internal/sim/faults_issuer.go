package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// The longest that a failure of each sort holds the fleet back when it is over.
const (
	transientTail = 36 * time.Second
	unknownTail   = 72 * time.Second
	permanentTail = 6 * time.Minute
	slack         = 12 * time.Second // for a takeover, and the call that ends it
)

var issuerFaults = []kind{
	spoiled("HTTP 503", transientTail, func(*rand.Rand) feishutest.Fault { return feishutest.Status(503) }),
	spoiled("timeout", transientTail+28*time.Second, func(*rand.Rand) feishutest.Fault { return feishutest.Timeout() }),
	spoiled("reset", transientTail, func(*rand.Rand) feishutest.Fault { return feishutest.Reset() }),
	spoiled("rate limit", unknownTail, func(rng *rand.Rand) feishutest.Fault {
		if rng.IntN(3) == 0 {
			return feishutest.RateLimited("", "")
		}
		return feishutest.RateLimited("x-ogw-ratelimit-reset", fmt.Sprint(rng.IntN(20)))
	}),
	spoiled("wrong answers", unknownTail, wrongAnswer),
	spoiled("answer lost", transientTail, func(*rand.Rand) feishutest.Fault { return feishutest.LostReply() }),
	{
		name: "wrong secret", family: issuers, everyReplica: true, onCall: 0.4, shortest: 100 * time.Millisecond, longest: 30 * time.Second,
		trouble: trouble{issuer: true, tail: permanentTail + slack},
		begin: func(w *world, f *fault, _ *replica, _ *rand.Rand) effect {
			return w.spoil(w.apps[f.app], feishutest.WrongSecret())
		},
	}, {
		name: "issuer slow", family: issuers, everyReplica: true, onCall: 0.3, shortest: time.Second, longest: 2 * time.Minute,
		// Each call that it outlasts, of 10 s at least, brings what nobody hears of.
		trouble: trouble{issuer: true, tail: transientTail + 28*time.Second, repeats: 13},
		begin: func(w *world, f *fault, _ *replica, rng *rand.Rand) effect {
			a := w.apps[f.app]
			a.issuer.SetLatency(spread(rng, time.Second, 26*time.Second))
			return lasts(func() { a.issuer.SetLatency(w.s.latency) })
		},
	}, {
		name: "no way", family: issuers, everyApp: true, onCall: 0.3, shortest: time.Second, longest: 5 * time.Minute,
		trouble: trouble{issuer: true, tail: transientTail + slack},
		begin: func(w *world, _ *fault, r *replica, _ *rand.Rand) effect {
			return lasts(w.impose(&condition{replica: r.index, cutOff: true}))
		},
	}, {
		name: "no way for all", family: issuers, everyReplica: true, everyApp: true, onCall: 0.3, shortest: 100 * time.Millisecond, longest: 3 * time.Minute,
		trouble: trouble{issuer: true, tail: transientTail + slack},
		begin: func(w *world, _ *fault, _ *replica, _ *rand.Rand) effect {
			return lasts(w.impose(&condition{replica: everybody, cutOff: true}))
		},
	},
}

func spoiled(name string, tail time.Duration, make func(*rand.Rand) feishutest.Fault) kind {
	return kind{
		name: name, family: issuers, everyReplica: true, onCall: 0.4, shortest: 100 * time.Millisecond, longest: 3 * time.Minute,
		trouble: trouble{issuer: true, tail: tail + slack, repeats: 1},
		begin: func(w *world, f *fault, _ *replica, rng *rand.Rand) effect {
			return w.spoil(w.apps[f.app], make(rng))
		},
	}
}

// spoil has the latest fault win, and the issuer sound when any of them ends.
func (w *world) spoil(a *app, f feishutest.Fault) effect {
	a.issuer.SetFault(f)
	return lasts(func() { a.issuer.SetFault(feishutest.Fault{}) })
}

func wrongAnswer(rng *rand.Rand) feishutest.Fault {
	wrong := []func() feishutest.Fault{
		feishutest.HTML, feishutest.EmptyBody, feishutest.WrongShape, feishutest.EmptyToken, feishutest.BrokenBody,
		func() feishutest.Fault { return feishutest.Expire("0") },
		func() feishutest.Fault { return feishutest.Expire("-1") },
		func() feishutest.Fault { return feishutest.Expire("1e300") },
		func() feishutest.Fault { return feishutest.Expire(`"7200"`) },
		func() feishutest.Fault { return feishutest.Refusal(1663, "internal error") },
	}
	return wrong[rng.IntN(len(wrong))]()
}

var revocationFaults = []kind{
	{
		name: "revoked and failed over", family: revocations, everyReplica: true, shortest: time.Second, longest: 20 * time.Second,
		trouble: trouble{lost: true, redis: true, tail: 10 * time.Second, repeats: 2},
		begin:   failedOver,
	},
	{
		name: "revoked", family: revocations, everyReplica: true, shortest: 1, longest: 1, trouble: trouble{},
		begin: func(w *world, f *fault, _ *replica, _ *rand.Rand) effect {
			a := w.apps[f.app]
			a.keep(false)
			return effect{took: w.revoke(a)}
		},
	}, {
		name: "revoked and kept", family: revocations, everyReplica: true, shortest: 1, longest: 1,
		trouble: trouble{}, // each rejection is counted: see rejecting
		begin: func(w *world, f *fault, _ *replica, _ *rand.Rand) effect {
			a := w.apps[f.app]
			if !w.revoke(a) {
				return effect{} // nor is one kept that was revoked before
			}
			a.keep(true)
			return done
		},
	}, {
		name: "revoked in a row", family: revocations, everyReplica: true, shortest: 3 * time.Second, longest: 2 * time.Minute,
		trouble: trouble{}, begin: revokedInARow, // it knows what that may cost
	}, {
		name: "revoked in mid-call", family: revocations, everyReplica: true, everyApp: true, shortest: 1, longest: 1, trouble: trouble{failure: true, tail: slack, repeats: 3},
		begin: revokedInMidCall,
	},
}

// failedOver has a token revoked, and then Redis lose everything since, the rejection
// too: its old record is back.
func failedOver(w *world, f *fault, _ *replica, _ *rand.Rand) effect {
	ctx, a := context.Background(), w.apps[f.app]
	key, began := w.key(a, "token"), time.Now()
	record, err := w.admin.HGetAll(ctx, key).Result()
	ttl := w.admin.PTTL(ctx, key).Val()
	if err != nil || ttl <= f.lasts {
		return effect{}
	}
	a.keep(false)
	if !w.revoke(a) {
		return effect{}
	}
	return lasts(func() {
		w.loses(a, func() {
			_ = w.admin.Del(ctx, key).Err()
			for _, name := range w.redis.Server().Keys() {
				if strings.HasPrefix(name, w.key(a, "rejected:")) {
					_ = w.admin.Del(ctx, name).Err()
				}
			}
			if rest := ttl - time.Since(began); rest > 0 {
				_ = w.admin.HSet(ctx, key, record).Err()
				_ = w.admin.PExpire(ctx, key, rest).Err()
			}
		})
		w.cutAll()
	})
}

// revoke ends the current token, if there is one.
func (w *world) revoke(a *app) (took bool) {
	if pairs := a.issuer.Pairs(); len(pairs) > 0 && pairs[len(pairs)-1].Revoked.IsZero() {
		last := pairs[len(pairs)-1].App
		took = a.issuer.Revoke(last)
		w.log.add("issuer", "%s revoked: %v", a.label(last), took)
	}
	return took
}

// revokedInMidCall has one replica ask, and another find out before it has its answer;
// or before it has told of it: its publish is on its way for a while.
func revokedInMidCall(w *world, f *fault, r *replica, rng *rand.Rand) effect {
	a, hand := w.apps[f.app], newLane(95-f.app)
	tok, ok := r.sources[f.app].Peek()
	if !ok {
		return effect{}
	}
	late := rng.IntN(2) == 0
	asked := w.arm()
	w.gets.Go(func() { r.refresh(a) })
	if late && w.isCalled(asked, hand) == r {
		defer w.impose(&condition{replica: r.index, slow: 300 * time.Millisecond})()
		hand.sleep(w.s.latency + 15*time.Millisecond)
	}
	w.disarm(asked)
	hand.sleep(between(rng, 0, w.s.latency/2+4*w.s.trip))
	a.keep(!late && rng.IntN(2) == 0)
	w.revoke(a)
	for _, other := range w.alive() {
		if other != r {
			hand.sleep(between(rng, 0, w.s.latency/4))
			if !a.issuer.Valid(tok.AppAccessToken()) {
				other.invalidate(a, tok)
			}
			break
		}
	}
	hand.sleep(w.s.latency)
	return done
}
