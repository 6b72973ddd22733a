package doctor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// rehearsalLife is much longer than a check takes.
const rehearsalLife = time.Minute

// hearings are how long B may take to hear of a token, try by try: at first its
// subscription may not stand yet.
var hearings = []time.Duration{50 * time.Millisecond, 250 * time.Millisecond, time.Second}

// rehearsal is a fleet of two with a credential that nobody uses.
type rehearsal struct {
	prefix string
	caches []*tokencache.Cache
	a, b   *tokencache.Source

	minted atomic.Int64
	fails  atomic.Bool

	mu       sync.Mutex // guards below
	troubles error      // of Redis, also where nobody is told
	prints   []string   // fingerprints of all tokens

	heard      bool // an event
	heardAfter time.Duration
	err        error
	leftovers  error
}

// rehearsalChecks are two findings of one rehearsal. With a slow Redis that it
// comes to no end says nothing.
func (p *patient) rehearsalChecks(ctx context.Context, slow bool) []finding {
	r, ok := inTime(ctx, p.rehearse)
	if !ok {
		r = &rehearsal{err: context.DeadlineExceeded}
	}
	_, redis := errors.AsType[*tokencache.RedisError](r.err)
	unended := skipped("events", "the rehearsal came to no end")
	switch {
	case errors.Is(r.err, context.DeadlineExceeded) && (slow || !redis):
		f := late(ctx, "rehearsal")
		if slow && f.Status == checkFail {
			f.Status, f.Advice = checkWarn, "redis is too far away to rehearse"
		}
		return []finding{f, unended}
	case r.err != nil:
		f := p.failure("rehearsal", r.err)
		if r.leftovers != nil {
			f.Found += ", and " + r.prefix + "* may be left for 11 min"
		}
		return []finding{f, unended}
	}
	whole := finding{Name: "rehearsal", Status: checkOK, Found: "token stored, shared, refreshed, failed, rejected; its keys are deleted"}
	if r.leftovers != nil {
		whole.Status, whole.Found = checkWarn, "all went well, but "+r.prefix+"* could not be deleted"
		whole.Advice = "wait: they are gone in 11 min"
	}
	events := finding{Name: "events", Status: checkOK, Found: fmt.Sprintf("heard within %v", r.heardAfter.Truncate(time.Millisecond)+time.Millisecond)}
	if !r.heard {
		events = finding{
			"events", checkWarn, fmt.Sprintf("not heard within %v", hearings[len(hearings)-1]),
			"see that nothing between here and redis holds subscriptions back; without events replicas find out later",
		}
	}
	return []finding{whole, events}
}

// rehearse plays the life of a token, and clears the stage.
func (p *patient) rehearse(ctx context.Context) *rehearsal {
	r := &rehearsal{}
	credential, err := doctorsOwn()
	if err != nil {
		return &rehearsal{err: err}
	}
	for _, source := range []**tokencache.Source{&r.a, &r.b} {
		config := p.Cache
		config.NoDirect, config.Jitter = true, func() float64 { return 0 }
		observe := config.Observe
		config.Observe = func(e tokencache.Event) {
			observe(e)
			r.observe(e)
		}
		cache, err := tokencache.New(p.Redis, config)
		if err != nil {
			return &rehearsal{err: err}
		}
		r.caches = append(r.caches, cache)
		*source = cache.Source(tokencache.FetchFunc(credential, r.fetch))
	}
	r.prefix = p.Cache.Prefix + ":{" + r.a.ID() + "}:"
	r.err = r.play(ctx)
	for _, cache := range r.caches {
		cache.Close()
	}
	if r.err == nil {
		r.err = r.troubles
	}
	r.leftovers = p.Redis.Del(context.WithoutCancel(ctx), r.keys()...).Err()
	return r
}

// play has A ask and B follow.
func (r *rehearsal) play(ctx context.Context) error {
	first, err := r.a.Get(ctx)
	if err != nil {
		return err
	}
	if got, err := r.b.Get(ctx); err != nil || !got.Equal(first) {
		return scene("the second replica did not get the first one's token", err)
	}
	for i := 0; i < len(hearings) && !r.heard; i++ {
		if err := r.refresh(ctx, hearings[i]); err != nil {
			return err
		}
	}
	if err := r.failure(ctx); err != nil {
		return err
	}
	current, _ := r.a.Peek()
	if err := r.b.Invalidate(ctx, current); err != nil {
		return err
	}
	if got, err := r.b.Get(ctx); err != nil || got.Equal(current) {
		return scene("a rejected token was handed out again", err)
	}
	return nil
}

// refresh has A replace the token, and looks whether B notices. B has a fresh
// copy, so nothing but an event makes it look.
func (r *rehearsal) refresh(ctx context.Context, patience time.Duration) error {
	next, changed, err := r.a.Refresh(ctx)
	if err != nil || !changed {
		return scene("the token was not replaced", err)
	}
	began := time.Now()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !r.heard && time.Since(began) < patience {
		got, ok := r.b.Peek()
		r.heard, r.heardAfter = ok && got.Equal(next), time.Since(began)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// failure is shared, and the next success ends it.
func (r *rehearsal) failure(ctx context.Context) error {
	r.fails.Store(true)
	_, _, err := r.a.Refresh(ctx)
	if !errors.Is(err, errRehearsed) {
		return scene("a failed call was not told", err)
	}
	status, err := r.b.Status(ctx)
	if err != nil || status.Failure == nil {
		return scene("the second replica did not hear of the failure", err)
	}
	r.fails.Store(false)
	_, _, err = r.a.Refresh(ctx)
	return err
}

// scene is err, or what did not happen as it should.
func scene(what string, err error) error {
	if err != nil {
		return err
	}
	return errors.New(what)
}

var errRehearsed = errors.New("rehearsed")

func (r *rehearsal) fetch(context.Context) (tokencache.Token, error) {
	if r.fails.Load() {
		return tokencache.Token{}, &tokencache.IssuerError{
			Issuer: "doctor", Message: "rehearsal", Class: tokencache.ClassPermanent, Err: errRehearsed,
		}
	}
	n := r.minted.Add(1)
	// Each lives longer than the last: of two of the same end the first would stay.
	tok := tokencache.NewToken(fmt.Sprintf("rehearsal-%d", n), "", rehearsalLife+time.Duration(n)*time.Second)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.prints = append(r.prints, tok.Fingerprint())
	return tok, nil
}

// observe notes what Redis refused, also what no caller is told of.
func (r *rehearsal) observe(e tokencache.Event) {
	trouble, ok := errors.AsType[*tokencache.RedisError](e.Err)
	if !ok || trouble.Trouble == tokencache.TroublePaused {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.troubles == nil {
		r.troubles = trouble
	}
}

// keys are all that the rehearsal may have left.
func (r *rehearsal) keys() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys := []string{r.prefix + "token", r.prefix + "lock", r.prefix + "failure", r.prefix + "refused"}
	for _, print := range r.prints {
		keys = append(keys, r.prefix+"rejected:"+print)
	}
	return keys
}
