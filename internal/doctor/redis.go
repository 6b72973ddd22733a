package doctor

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// contact is what became of talking to Redis.
type contact struct {
	err     error // it is of no use like this
	latency time.Duration
	clock   clock
}

// unusable are the troubles of a Redis that none of the other checks can use.
var unusable = []tokencache.Trouble{
	tokencache.TroubleUnreachable, tokencache.TroubleTimeout, tokencache.TroubleTLS, tokencache.TroubleSentinel, tokencache.TroubleProtocol,
	tokencache.TroubleNoAuth, tokencache.TroubleWrongPass, tokencache.TroubleLoading, tokencache.TroubleMasterDown,
	tokencache.TroubleClusterDown, tokencache.TroubleMaxClients, tokencache.TroubleNoDB, tokencache.TroubleNoCluster, tokencache.TroubleBusy,
}

func (p *patient) redisCheck(ctx context.Context) (finding, contact) {
	got, ok := inTime(ctx, p.contact)
	switch {
	case !ok, ctx.Err() != nil: // what it got then is of the interruption
		return late(ctx, "redis"), contact{}
	case got.err != nil:
		return p.failure("redis", got.err), contact{}
	}
	f := finding{Name: "redis", Status: checkOK, Found: "answers in " + rounded(got.latency)}
	if got.slow() {
		f.Status, f.Advice = checkWarn, "use one that is nearer: a replica without a token makes some ten round trips"
	}
	return f, got
}

// slow says whether a rehearsal takes longer than a check may.
func (c contact) slow() bool { return c.latency >= 80*time.Millisecond }

// contact looks as a replica would, whose errors have names, and then asks for
// the time, over and over. That this may be forbidden takes as long to be told.
func (p *patient) contact(ctx context.Context) contact {
	cache, source, err := p.standIn(neverFetched)
	if err != nil {
		return contact{err: err}
	}
	defer cache.Close()
	_, err = source.Status(ctx)
	if ctx.Err() != nil { // then err is ctx's, and says nothing about redis
		return contact{err: err}
	}
	if e, ok := errors.AsType[*tokencache.RedisError](err); ok && slices.Contains(unusable, e.Trouble) {
		return contact{err: err}
	}
	const tries = 5
	var took []time.Duration
	var c clock
	for range tries {
		sent := time.Now()
		at, err := p.Redis.Time(ctx).Result()
		round := time.Since(sent)
		if err == nil && (len(took) == 0 || round < slices.Min(took)) {
			c = clock{true, at.Sub(sent.Add(round / 2))}
		}
		took = append(took, round)
	}
	slices.Sort(took)
	return contact{latency: took[tries/2], clock: c}
}

// standIn is a Cache with a credential of the doctor's own.
func (p *patient) standIn(fetch func(context.Context) (tokencache.Token, error)) (*tokencache.Cache, *tokencache.Source, error) {
	config := p.Cache
	config.NoDirect = true
	credential, err := doctorsOwn()
	if err != nil {
		return nil, nil, err
	}
	cache, err := tokencache.New(p.Redis, config)
	if err != nil {
		return nil, nil, err
	}
	return cache, cache.Source(tokencache.FetchFunc(credential, fetch)), nil
}

// doctorsOwn is a credential that nobody else has.
func doctorsOwn() (tokencache.Credential, error) {
	return tokencache.NewCredential(tokencache.CredentialConfig{Issuer: "doctor", App: rand.Text(), Secret: []tokencache.Secret{tokencache.NewSecret(rand.Text())}})
}

// neverFetched is of a Source that only looks.
func neverFetched(context.Context) (tokencache.Token, error) {
	return tokencache.Token{}, errors.New("nobody was to be asked")
}
