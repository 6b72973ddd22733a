package sim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// readers of each app in each replica.
const readers = 2

// read is a caller: it gets a token every so often and does business with it.
func (r *replica) read(a *app, number int) {
	rng := r.w.draws.sequence("reader "+a.name, int64(r.index), int64(r.life), int64(number))
	pause := between(rng, 0, 5*time.Millisecond) // all start cold
	for {
		if !r.pause(pause) || !r.comesBack(rng) {
			return
		}
		patience := between(rng, longPatience, 2*longPatience)
		if rng.IntN(8) == 0 {
			patience = spread(rng, time.Millisecond, longPatience/3)
		}
		if tok, err := r.get(a, patience); err == nil {
			r.business(a, tok, rng)
		}
		pause = between(rng, r.w.s.every/4, r.w.s.every*7/4)
	}
}

// longPatience outlasts a lease, a probe and a call.
const longPatience = 45 * time.Second

// pause is the reader's; false when there is nothing more to read.
func (r *replica) pause(d time.Duration) bool {
	timer := time.NewTimer(r.own.after(d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.gone:
	case <-r.w.over:
	}
	return false
}

// comesBack returns at once while somebody calls the replica, else when somebody does again: all at
// once. It reports whether there is more to read.
func (r *replica) comesBack(rng *rand.Rand) bool {
	for {
		idle := r.w.weather(r).idle
		if idle == nil {
			return true
		}
		select {
		case <-idle:
		case <-r.gone:
			return false
		case <-r.w.over:
			return false
		}
		if !r.pause(between(rng, 0, 5*time.Millisecond)) {
			return false
		}
	}
}

// get is one Get, with all that is checked of it.
func (r *replica) get(a *app, patience time.Duration) (tokencache.Token, error) {
	patience = r.own.after(patience)
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	g := got{app: a, began: time.Now(), patience: patience}
	g.before, g.had = r.sources[a.index].Peek()
	tok, err := r.sources[a.index].Get(ctx)
	g.tok, g.err, g.ended = tok, err, time.Now()
	if r.isGone() || errors.Is(err, tokencache.ErrClosed) {
		return tok, tokencache.ErrClosed
	}
	r.w.check.get(r, g)
	return tok, err
}

// business finds out whether a token is good, some time after it was handed out, and
// says so if not. A few take so long that the token has been replaced meanwhile.
func (r *replica) business(a *app, tok tokencache.Token, rng *rand.Rand) {
	pause := between(rng, time.Millisecond, 50*time.Millisecond)
	if rng.IntN(20) == 0 {
		pause = spread(rng, time.Second, r.w.s.life/3)
	}
	if !r.pause(pause) {
		return
	}
	app := tok.AppAccessToken()
	if _, p := a.pair(app); !p.End.After(time.Now()) || a.issuer.Valid(app) {
		return // or it has ended since: nobody's fault
	}
	r.invalidate(a, tok)
}

// invalidate is for a token that the issuer has revoked.
func (r *replica) invalidate(a *app, tok tokencache.Token) {
	app := tok.AppAccessToken()
	ctx, cancel := context.WithTimeout(context.Background(), r.own.after(5*time.Second))
	defer cancel()
	counts := r.sees(app, false)
	r.w.check.rejecting(r, a, app, counts)
	err := r.sources[a.index].Invalidate(ctx, tok)
	if r.isGone() {
		return
	}
	if errors.Is(err, tokencache.ErrCoolDown) {
		r.w.check.coolDown(r, a, app)
	}
	r.w.tally.add("invalidate")
	r.w.words.add(fmt.Sprintf("%v %+v", err, err))
	r.w.log.add(r.name, "has told that %s is rejected: %s", a.label(app), plain(err))
}

// refresh asks for another token at once.
func (r *replica) refresh(a *app) {
	ctx, cancel := context.WithTimeout(context.Background(), r.own.after(longPatience))
	defer cancel()
	r.refreshing.Add(1)
	tok, changed, err := r.sources[a.index].Refresh(ctx)
	r.refreshing.Add(-1)
	r.refreshed.Store(time.Now().UnixNano())
	if r.isGone() {
		return
	}
	r.w.words.add(fmt.Sprintf("%v %+v %v %#v", err, err, tok, tok))
	r.w.log.add(r.name, "has refreshed %s: %s, changed %v, %s", a.name, a.label(tok.AppAccessToken()), changed, plain(err))
}

// plain is an error without what is random in it: log ids.
func plain(err error) string {
	if err == nil {
		return "ok"
	}
	var parts []string
	if e, ok := errors.AsType[*tokencache.IssuerError](err); ok {
		parts = append(parts, fmt.Sprintf("issuer %s code %d status %d local %v", e.Class, e.Code, e.Status, e.Local))
	}
	if e, ok := errors.AsType[*tokencache.RedisError](err); ok {
		parts = append(parts, "redis "+string(e.Trouble))
	}
	for _, known := range []error{
		context.DeadlineExceeded, context.Canceled, tokencache.ErrClosed, tokencache.ErrExpired,
		tokencache.ErrRejected, tokencache.ErrCoolDown,
	} {
		if errors.Is(err, known) {
			parts = append(parts, known.Error())
		}
	}
	return cmp.Or(strings.Join(parts, "; "), "some error")
}
