package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/internal/advice"
	"github.com/onetoken-go/onetoken/internal/doctor"
	"github.com/onetoken-go/onetoken/internal/witness"
	"github.com/onetoken-go/onetoken/tokencache"
)

// session is a Cache of this process, made by the environment, and its Source for
// the credential there.
type session struct {
	app         *app
	env         *environment
	seen        *witness.Witness
	rdb         redis.UniversalClient
	cache       *tokencache.Cache
	source      *tokencache.Source // nil without a credential
	account     account
	issuer      doctor.Fetcher // nil without a credential
	fetch       *boundedFetcher
	appID       string
	unencrypted bool // the issuer's address
	deadline    deadline
	left        bool // the Cache did not close in time
}

// opening is what a session is for.
type opening struct {
	credential bool                   // is needed; without one there is no Source
	deadline   deadline               // zero: the command runs on, or ends by itself
	refresher  bool                   // goes first, and has nobody to say what the Cache logs
	observe    func(tokencache.Event) // is told as well; nil: nobody is
}

// open connects to nothing yet, and reads what it has to until ctx ends. Its error is all
// complaints, with those that env had before. The caller closes the session.
func (a *app) open(ctx context.Context, env *environment, o opening) (*session, error) {
	s := &session{app: a, env: env, seen: witness.New(a.logger), rdb: env.redis(ctx), deadline: o.deadline}
	env.checkKind()
	s.account.variables = env.variables()
	if o.credential {
		s.account = env.account(ctx)
	}
	quiet := newLogger(a.stderr, "error", a.logFormat.value) // the rest is said here
	cache, err := tokencache.New(s.rdb, s.cacheConfig(o, quiet))
	env.complainOfFields(err)
	if err := env.err(); err != nil {
		_ = s.rdb.Close()
		return nil, err
	}
	s.cache = cache
	s.warnOfRedis(ctx)
	s.seen.Ignore(cache.Source(nil))
	if !o.credential {
		return s, nil
	}
	issuer, err := s.account.fetcher(s.account.secret, nil, quiet)
	if err != nil { // not after env has found nothing
		s.close()
		return nil, err
	}
	s.issuer, s.fetch = issuer, &boundedFetcher{Fetcher: issuer, deadline: o.deadline}
	s.source, s.appID, s.unencrypted = cache.Source(s.fetch), s.account.appID, issuer.Unencrypted()
	return s, nil
}

func (s *session) cacheConfig(o opening, quiet *slog.Logger) tokencache.Config {
	c := tokencache.Config{
		Prefix:   s.app.getenv("ONETOKEN_PREFIX"),
		NoDirect: s.env.noDirect(),
		Logger:   quiet,
		Observe:  s.seen.Observe,
	}
	if o.refresher {
		c.Logger = s.app.logger
	}
	if o.observe != nil {
		c.Observe = func(e tokencache.Event) {
			s.seen.Observe(e)
			o.observe(e)
		}
	}
	return c
}

func (s *session) close() {
	if !s.left {
		_, _ = s.closeInTime()
	}
	_ = s.rdb.Close()
}

// warn is for those who may ask the issuer.
func (s *session) warn(ctx context.Context) {
	if s.unencrypted && s.app.logger.Enabled(ctx, slog.LevelWarn) {
		say(s.app.stderr, "warning: the "+s.account.noun+" secret and tokens travel unencrypted: use https ("+s.account.variables.url+")")
	}
}

func (s *session) warnOfRedis(ctx context.Context) {
	if s.env.unverified && s.app.logger.Enabled(ctx, slog.LevelWarn) {
		say(s.app.stderr, s.env.files.Named("warning: "+advice.UnverifiedRedis))
	}
}

// within asks the Source for a token until waiting ends, which is ctx with the timeout, and says
// why there was none in time.
func (s *session) within(ctx, waiting context.Context, timeout time.Duration, ask func(context.Context) error) error {
	err := ask(waiting)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return errors.New("interrupted before there was a token")
	case waiting.Err() != nil:
		return &lateError{timeout, err}
	}
	return err
}

// settled is what was seen of all that the Cache has done so far.
func (s *session) settled(ctx context.Context) witness.Seen {
	s.seen.Settle(ctx, s.cache, s.deadline.over())
	return s.seen.Seen()
}

// conclude ends what may have asked the issuer: a call under way is finished, and
// what went on besides is said.
func (s *session) conclude(ctx context.Context, err error) error {
	if s.settled(ctx).Remembers(err) {
		err = &advice.Remembered{Err: err, Again: s.askedAgainIn(ctx)}
	}
	kept := s.whatKeptIt(ctx, err)
	s.left = !s.finish(ctx)
	seen := s.seen.Seen()
	if err == nil {
		s.tell(seen)
		return nil
	}
	return s.env.hint(explained(err, seen, kept))
}

// whatKeptIt is why there was no token in time, as far as nothing that was seen tells: nil if that
// is not known either. It looks once more into Redis, while there is time.
func (s *session) whatKeptIt(ctx context.Context, err error) error {
	if _, late := errors.AsType[*lateError](err); !late {
		return nil
	}
	if s.fetch.asked.Load() {
		return errors.New("the issuer has not answered: check " + s.account.variables.url + ", the proxy and the firewall, or raise --timeout")
	}
	ctx, cancel := s.deadline.within(ctx, callGrace)
	defer cancel()
	status, err := s.source.Status(ctx)
	switch {
	case errors.Is(err, tokencache.ErrRedis):
		return err
	case err != nil:
		return &tokencache.RedisError{Trouble: tokencache.TroubleTimeout}
	case status.Locked != 0:
		return errors.New("another replica asks the issuer just now: raise --timeout, or see onetoken status")
	case status.Failure != nil && status.RetryIn > 0:
		return &advice.Remembered{Err: status.Failure, Again: status.RetryIn}
	}
	return nil
}

// askedAgainIn is how long the fleet waits before its next call to the issuer, 0
// if Redis does not say.
func (s *session) askedAgainIn(ctx context.Context) time.Duration {
	ctx, cancel := s.deadline.within(ctx, callGrace)
	defer cancel()
	return witness.AskedAgainIn(ctx, s.source)
}

// finish waits for a call under way, until the deadline: then it is false. Who does not want to
// wait is told at once that it is not in vain.
func (s *session) finish(ctx context.Context) (done bool) {
	said := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(said)
		say(s.app.stderr, "interrupted: finishing a call under way for the others; press again to stop at once")
	})
	done, err := s.closeInTime()
	if err != nil {
		s.app.logger.Warn("cache not closed", "err", err)
	}
	if !stop() {
		<-said
	}
	return done
}

// closeInTime is false if what is under way did not end before the deadline.
func (s *session) closeInTime() (done bool, err error) {
	closed := make(chan error, 1)
	go func() { closed <- s.cache.Close() }()
	select {
	case err := <-closed:
		return true, err
	case <-s.deadline.over():
		return false, nil
	}
}

// tell says in one line what a token on standard output does not show.
func (s *session) tell(seen witness.Seen) {
	switch {
	case seen.Direct:
		say(s.app.stderr, "the token is good but not shared, it came straight from the issuer: "+s.env.words(seen.Redis))
	case seen.Redis != nil:
		say(s.app.stderr, "the token is good, but redis was in trouble meanwhile: "+s.env.words(seen.Redis))
	}
}
