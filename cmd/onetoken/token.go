package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/onetoken-go/onetoken/tokencache"
)

// curlExample keeps the token out of curl's arguments, which ps shows.
const curlExample = "  onetoken token --kind tenant | sed 's/^/Authorization: Bearer /' |\n" +
	"    curl -H @- https://open.feishu.cn/open-apis/tenant/v2/tenant/query"

func (a *app) tokenCommand() *cobra.Command {
	kind := choice{value: "app", of: []string{"app", "tenant", "access"}}
	var o tokenOptions
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Print the token, and nothing else, on standard output",
		Long: "Print the token and a newline on standard output, and nothing else.\n\n" +
			"It comes from Redis if the fleet has one; if not, or if it ends soon, the issuer\n" +
			"is asked once, and the answer is in Redis for all before this command ends.\n" +
			"With Redis in trouble the token comes from the issuer alone, with a line about\n" +
			"it on standard error; with --strict it is not printed then, and the exit status\n" +
			"is 1. A line there, too, if the token was rejected (see onetoken invalidate) and\n" +
			"the issuer has handed it out again. The environment is described by onetoken -h.\n\n" +
			"It may end half a second later than --timeout: so long a call under way has for\n" +
			"the others.\n" +
			"A refusal is remembered by the fleet, for up to 5 min: the error says so, and\n" +
			"what was mended in between does not show before the issuer is asked again,\n" +
			"when the error says. Another id or secret takes effect at once.\n\n" +
			"Do not put $(onetoken token) into the arguments of a command: ps shows them to\n" +
			"all users. curl reads headers from standard input, since 7.55.\n\n" + tokenJSONHelp,
		Example: curlExample,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.kind = kind.value
			return a.token(cmd.Context(), o)
		},
	}
	cmd.Flags().Var(&kind, "kind", "which of the two tokens that come together: "+kind.options()+" (access: of an issuer that has one, as with ONETOKEN_KIND=oauth2; else app)")
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
	env := a.environment()
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
	switch kind {
	case "tenant":
		value, other = tok.TenantAccessToken(), "app"
	case "access":
		value = tok.AccessToken()
	}
	if value == "" {
		return "", fmt.Errorf("the issuer gave no %s token with the %s token: ask for --kind %s", kind, other, other)
	}
	return value, nil
}

// notSharedError is a token that --strict does not take.
type notSharedError struct{ why error }

func (e *notSharedError) Error() string {
	return fmt.Sprintf("the token came straight from the issuer and is not shared, so --strict prints none: %v", e.why)
}

func (e *notSharedError) Unwrap() error { return e.why }

// strictly is an error if the token was had around Redis.
func (s *session) strictly(ctx context.Context) error {
	seen := s.settled(ctx)
	if !seen.Direct {
		return nil
	}
	return &notSharedError{cmp.Or(seen.Redis, errors.New("redis was in trouble"))}
}
