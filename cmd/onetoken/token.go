package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/onetoken-go/onetoken/tokencache"
)

func (a *app) tokenCommand() *cobra.Command {
	kind := choice{value: "app", of: []string{"app", "tenant"}}
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Print the token, and nothing else, on standard output",
		Long: "Print the token and a newline on standard output, and nothing else.\n\n" +
			"It comes from Redis if the fleet has one; if not, or if it ends soon, the issuer\n" +
			"is asked once, and the answer is in Redis for all before this command ends.\n" +
			"With Redis in trouble the token comes from the issuer alone, with a line about\n" +
			"it on standard error. The environment is described by onetoken -h.\n\n" +
			"It may end later than --timeout: a call under way is finished for the others.\n" +
			"A refusal is remembered by the fleet, for up to 5 min: the error says so, and\n" +
			"what was mended in between does not show before the issuer is asked again.",
		Example: "  curl -H \"Authorization: Bearer $(onetoken token --kind tenant)\" \\\n" +
			"    https://open.feishu.cn/open-apis/tenant/v2/tenant/query",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.token(cmd.Context(), kind.value, timeout)
		},
	}
	cmd.Flags().Var(&kind, "kind", "which of the two tokens that come together: "+kind.options())
	cmd.Flags().DurationVar(&timeout, "timeout", 15*time.Second, "how long to wait for it")
	kind.complete(cmd, "kind")
	return cmd
}

// token prints one. It may return later than timeout: what it began at the
// issuer is finished for the others, which takes up to a call's own time-out.
func (a *app) token(ctx context.Context, kind string, timeout time.Duration) error {
	env := &environment{getenv: a.getenv, stdin: a.stdin}
	if timeout <= 0 {
		env.complain("--timeout has to be more than 0, such as 15s")
	}
	rdb := env.redis()
	defer rdb.Close() //nolint:errcheck // nothing is left to lose
	feishu, _, _ := env.feishu(a.spoken(), a.getenv("FEISHU_BASE_URL"))
	var seen sight // tells what the Cache would warn of, when it is over
	cache, err := tokencache.New(rdb, tokencache.Config{
		Prefix:  a.getenv("ONETOKEN_PREFIX"),
		Logger:  demoted(a.logger),
		Observe: seen.observe,
	})
	env.complainOfFields(err)
	if err := env.err(); err != nil {
		return err
	}

	value, err := get(ctx, cache.Source(feishu), kind, timeout)
	if err == nil {
		_, err = fmt.Fprintln(a.stdout, value)
	}
	if closing := cache.Close(); closing != nil {
		a.logger.Warn("cache not closed", "error", closing)
	}
	if err == nil {
		seen.tell(a, env)
		return nil
	}
	return seen.judge(env.hint(err))
}

func get(ctx context.Context, source *tokencache.Source, kind string, timeout time.Duration) (string, error) {
	waiting, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	tok, err := source.Get(waiting)
	switch {
	case ctx.Err() != nil && err != nil:
		return "", errors.New("interrupted before there was a token")
	case waiting.Err() != nil && err != nil:
		return "", fmt.Errorf("no token within %v: %w", timeout, err)
	case err != nil:
		return "", err
	case kind == "app":
		return tok.AppAccessToken(), nil
	case tok.TenantAccessToken() == "":
		return "", errors.New("the issuer gave no tenant token with the app token: ask for --kind app")
	}
	return tok.TenantAccessToken(), nil
}

// sight is what was seen of a Cache at work.
type sight struct {
	mu     sync.Mutex // guards the rest
	called bool       // the issuer was asked
	err    error      // the first operation that did not succeed
	direct bool       // the issuer was asked without Redis
}

func (s *sight) observe(e tokencache.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch e.Kind {
	case tokencache.EventDegraded:
		s.err = cmp.Or(s.err, e.Err)
	case tokencache.EventDirectCall:
		s.called, s.direct = true, true
	case tokencache.EventCall:
		s.called = true
	}
}

// judge marks an issuer's error that came without asking the issuer.
func (s *sight) judge(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.called {
		return err
	}
	return &rememberedError{err}
}

// tell says in one line what a token on standard output does not show.
func (s *sight) tell(a *app, env *environment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.direct:
		say(a.stderr, fmt.Sprintf("the token is good but not shared, it came straight from the issuer: %v (REDIS_URL)", env.hint(s.err)))
	case s.err != nil:
		say(a.stderr, fmt.Sprintf("the token is good, but redis was in trouble meanwhile: %v (REDIS_URL)", env.hint(s.err)))
	}
}
