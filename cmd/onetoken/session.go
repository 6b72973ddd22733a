package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/tokencache"
)

// session is a Cache of this process, made by the environment, and its Source for
// the credential there.
type session struct {
	app         *app
	env         *environment
	seen        *sight
	rdb         redis.UniversalClient
	cache       *tokencache.Cache
	source      *tokencache.Source // nil without a credential
	feishu      *fetcher.Feishu    // nil without a credential
	config      fetcher.FeishuConfig
	appID       string
	unencrypted bool // the issuer's address
}

// opening is what a session is for.
type opening struct {
	credential bool                   // is needed; without one there is no Source
	refresher  bool                   // goes first, and has nobody to say what the Cache logs
	observe    func(tokencache.Event) // is told as well; nil: nobody is
}

// open connects to nothing yet, and reads what it has to until ctx ends. Its error is all
// complaints, with those that env had before. The caller closes the session.
func (a *app) open(ctx context.Context, env *environment, o opening) (*session, error) {
	s := &session{app: a, env: env, seen: &sight{logger: a.logger}, rdb: env.redis(ctx)}
	var config fetcher.FeishuConfig
	if o.credential {
		config = env.feishu(ctx, a.getenv("FEISHU_BASE_URL"))
	}
	config.Logger = newLogger(a.stderr, "error", a.logFormat.value) // the rest is said here
	cache, err := tokencache.New(s.rdb, s.cacheConfig(o, config.Logger))
	env.complainOfFields(err)
	if err := env.err(); err != nil {
		_ = s.rdb.Close()
		return nil, err
	}
	s.cache = cache
	s.seen.ignore(cache.Source(nil))
	if !o.credential {
		return s, nil
	}
	feishu, err := fetcher.NewFeishu(config)
	if err != nil { // not after env has found nothing
		s.close()
		return nil, err
	}
	s.feishu, s.config = feishu, config
	s.source, s.appID, s.unencrypted = cache.Source(feishu), config.AppID, feishu.Unencrypted()
	return s, nil
}

func (s *session) cacheConfig(o opening, quiet *slog.Logger) tokencache.Config {
	c := tokencache.Config{
		Prefix:   s.app.getenv("ONETOKEN_PREFIX"),
		NoDirect: s.env.noDirect(),
		Logger:   quiet,
		Observe:  s.seen.observe,
	}
	if o.refresher {
		c.Logger = s.app.logger
	}
	if o.observe != nil {
		c.Observe = func(e tokencache.Event) {
			s.seen.observe(e)
			o.observe(e)
		}
	}
	return c
}

func (s *session) close() {
	_ = s.cache.Close()
	_ = s.rdb.Close()
}

// warn is for those who may ask the issuer.
func (s *session) warn(ctx context.Context) {
	if s.unencrypted && s.app.logger.Enabled(ctx, slog.LevelWarn) {
		say(s.app.stderr, "warning: the app secret and tokens travel unencrypted: use https (FEISHU_BASE_URL)")
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

// conclude ends what may have asked the issuer: a call under way is finished, and
// what went on besides is said.
func (s *session) conclude(ctx context.Context, err error) error {
	s.seen.settle(ctx, s.cache)
	if s.seen.remembers(err) {
		err = &rememberedError{err, askedAgainIn(ctx, s.source)}
	}
	s.app.finish(ctx, s.cache)
	if err == nil {
		s.seen.tell(s.app, s.env)
		return nil
	}
	return s.env.hint(s.seen.explain(err))
}
