package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/onetoken-go/onetoken/tokencache"
)

func (a *app) tokenCommand() *cobra.Command {
	kind := choice{value: "app", of: []string{"app", "tenant"}}
	var o tokenOptions
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Print the token, and nothing else, on standard output",
		Long: "Print the token and a newline on standard output, and nothing else.\n\n" +
			"It comes from Redis if the fleet has one; if not, or if it ends soon, the issuer\n" +
			"is asked once, and the answer is in Redis for all before this command ends.\n" +
			"With Redis in trouble the token comes from the issuer alone, with a line about\n" +
			"it on standard error; with --strict it is not printed then, and the exit status\n" +
			"is 1. A line there, too, if the token was refused (see onetoken invalidate) and\n" +
			"the issuer has handed it out again. The environment is described by onetoken -h.\n\n" +
			"It may end half a second later than --timeout: so long a call under way has for\n" +
			"the others.\n" +
			"A refusal is remembered by the fleet, for up to 5 min: the error says so, and\n" +
			"what was mended in between does not show before the issuer is asked again,\n" +
			"when the error says. Another id or secret takes effect at once.\n\n" +
			"Do not put $(onetoken token) into the arguments of a command: ps shows them to\n" +
			"all users. curl reads headers from standard input, since 7.55.\n\n" + tokenJSONHelp,
		Example: curlExample,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.kind = kind.value
			return a.token(cmd.Context(), o)
		},
	}
	cmd.Flags().Var(&kind, "kind", "which of the two tokens that come together: "+kind.options())
	cmd.Flags().DurationVar(&o.timeout, "timeout", 15*time.Second, "how long to wait for it")
	cmd.Flags().BoolVar(&o.asJSON, "json", false, "print an object in one line")
	cmd.Flags().BoolVar(&o.strict, "strict", false, "only a token that the fleet shares will do: exit status 1 if it came around Redis")
	kind.complete(cmd, "kind")
	return cmd
}

type tokenOptions struct {
	kind           string
	timeout        time.Duration
	asJSON, strict bool
}

// token prints one. It may return a little later than timeout: what it began at the
// issuer has a moment to be finished for the others.
func (a *app) token(ctx context.Context, o tokenOptions) error {
	env := &environment{getenv: a.getenv, stdin: a.stdin}
	waiting, cancel := env.limit(ctx, o.timeout)
	defer cancel()
	s, err := a.open(waiting, env, opening{credential: true, deadline: deadlineOf(waiting)})
	if err != nil {
		return err
	}
	defer s.close()
	s.warn(ctx)
	var tok tokencache.Token
	err = s.within(ctx, waiting, o.timeout, func(ctx context.Context) (err error) {
		tok, err = s.source.Get(ctx)
		return err
	})
	var value string
	if err == nil {
		value, err = ofKind(tok, o.kind)
	}
	if err == nil && o.strict {
		err = s.strictly(ctx)
	}
	var returned *bool
	if o.asJSON {
		returned = s.hasReturned(ctx, tok)
	}
	if err == nil {
		err = s.printToken(tok, o.kind, value, o.asJSON, returned)
	}
	if !o.asJSON { // whoever waits for the token alone need not wait for this
		returned = s.hasReturned(ctx, tok)
	}
	s.tellReturned(returned)
	return s.conclude(ctx, err)
}

func ofKind(tok tokencache.Token, kind string) (string, error) {
	value, other := tok.AppAccessToken(), "tenant"
	if kind == "tenant" {
		value, other = tok.TenantAccessToken(), "app"
	}
	if value == "" {
		return "", fmt.Errorf("the issuer gave no %s token with the %s token: ask for --kind %s", kind, other, other)
	}
	return value, nil
}

// lateError: there was no token in time. err says why, as far as it is known.
type lateError struct {
	timeout time.Duration
	err     error
}

func (e *lateError) Error() string { return fmt.Sprintf("no token within %v: %v", e.timeout, e.err) }
func (e *lateError) Unwrap() error { return e.err }

// finish waits for a call under way, until the deadline: then it is false. Who does not want to
// wait is told at once that it is not in vain.
func (a *app) finish(ctx context.Context, cache *tokencache.Cache, limit deadline) (done bool) {
	said := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(said)
		say(a.stderr, "interrupted: finishing a call under way for the others; press again to stop at once")
	})
	done, err := closeInTime(cache, limit)
	if err != nil {
		a.logger.Warn("cache not closed", "err", err)
	}
	if !stop() {
		<-said
	}
	return done
}

// closeInTime is false if what is under way did not end before the deadline.
func closeInTime(cache *tokencache.Cache, limit deadline) (done bool, err error) {
	closed := make(chan error, 1)
	go func() { closed <- cache.Close() }()
	select {
	case err := <-closed:
		return true, err
	case <-limit.over():
		return false, nil
	}
}

// askedAgainIn is how long the fleet waits before its next call to the issuer, 0
// if Redis does not say.
func askedAgainIn(ctx context.Context, source *tokencache.Source) time.Duration {
	status, err := source.Status(ctx)
	if err != nil {
		return 0
	}
	return status.RetryIn
}

// sight is what was seen of a Cache at work.
type sight struct {
	logger *slog.Logger

	mu      sync.Mutex         // guards the rest
	called  bool               // the issuer was asked
	direct  bool               // without Redis
	refused error              // what the last such call came to; nil if it was good
	redis   error              // the first operation that did not succeed
	told    tokencache.Outcome // what became of a rejection
	marker  string             // the key of the event that settle waits for, which is of no other interest
	settled chan struct{}
}

// markerOf is a Source without a Fetcher: a Get of it is an event and nothing else.
func markerOf(cache *tokencache.Cache) *tokencache.Source {
	credential, err := tokencache.NewCredential(tokencache.CredentialConfig{Issuer: "onetoken", App: "marker", Secret: []tokencache.Secret{tokencache.NewSecret("none")}})
	if err != nil {
		panic(err) // nothing of it is anybody's
	}
	return cache.Source(tokencache.FetchFunc(credential, nil))
}

// ignore is for a Source without a Fetcher.
func (s *sight) ignore(marker *tokencache.Source) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.marker = marker.ID()
}

// settle returns when all that the Cache has done so far has been observed: events come in
// order, after the step. So it makes one last, which is told as a wait of a Source without a
// Fetcher.
func (s *sight) settle(ctx context.Context, cache *tokencache.Cache, limit deadline) {
	marker, settled := markerOf(cache), make(chan struct{})
	s.mu.Lock()
	s.marker, s.settled = marker.ID(), settled
	s.mu.Unlock()
	_, _ = marker.Get(ctx)
	select {
	case <-settled:
	case <-time.After(time.Second):
	case <-limit.over():
	}
}

func (s *sight) observe(e tokencache.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.marker != "" && e.ID == s.marker {
		if s.settled != nil {
			close(s.settled)
			s.settled = nil
		}
		return
	}
	s.log(e)
	switch e.Kind {
	case tokencache.EventDegraded:
		s.redis = cmp.Or(s.redis, e.Err)
	case tokencache.EventDirectCall:
		s.called, s.direct, s.refused = true, true, e.Err
	case tokencache.EventCall:
		s.called, s.refused = true, e.Err
	case tokencache.EventInvalidate:
		s.told = e.Outcome
	}
}

func (s *sight) calls() (called, direct bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.called, s.direct
}

// troubled says whether Redis was.
func (s *sight) troubled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.redis != nil
}

// rejection is what became of one.
func (s *sight) rejection() tokencache.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.told
}

// log leaves out what an event does not have.
func (s *sight) log(e tokencache.Event) {
	attrs := []slog.Attr{slog.String("kind", e.Kind.String())}
	for _, word := range []struct{ name, value string }{{"outcome", string(e.Outcome)}, {"trouble", string(e.Trouble)}, {"reason", e.Reason}} {
		if word.value != "" {
			attrs = append(attrs, slog.String(word.name, word.value))
		}
	}
	if e.Duration != 0 {
		attrs = append(attrs, slog.Duration("took", e.Duration))
	}
	if e.Remaining != 0 {
		attrs = append(attrs, slog.Duration("remaining", e.Remaining))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("err", e.Err.Error()))
	}
	s.logger.With(whose(e.ID)...).LogAttrs(context.Background(), slog.LevelDebug, "cache", attrs...)
}

// remembers says whether err is an issuer's that came without asking it.
func (s *sight) remembers(err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := errors.AsType[*tokencache.IssuerError](err)
	return ok && !s.called
}

// explain says of a token that was late what kept it, which is known only now
// that the call has ended; kept is what can be said otherwise, or nil.
func (s *sight) explain(err, kept error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	late, ok := errors.AsType[*lateError](err)
	if !ok {
		return err
	}
	if _, known := errors.AsType[*tokencache.IssuerError](late.err); known {
		return err
	}
	switch {
	case s.refused != nil && s.direct && s.redis != nil:
		return &lateError{late.timeout, fmt.Errorf("%w (asked directly, because of %w)", s.refused, s.redis)}
	case s.refused != nil:
		return &lateError{late.timeout, s.refused}
	case s.redis != nil && !s.called:
		return &lateError{late.timeout, s.redis}
	case s.called && s.direct:
		return &lateError{late.timeout, errors.New("the issuer's answer came later: raise --timeout")}
	case s.called:
		return &lateError{late.timeout, errors.New("the issuer's answer came later, and all have it now: see onetoken status")}
	case kept != nil:
		return &lateError{late.timeout, kept}
	}
	return err
}

// tell says in one line what a token on standard output does not show.
func (s *sight) tell(a *app, env *environment) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.direct:
		say(a.stderr, "the token is good but not shared, it came straight from the issuer: "+env.words(s.redis))
	case s.redis != nil:
		say(a.stderr, "the token is good, but redis was in trouble meanwhile: "+env.words(s.redis))
	}
}
