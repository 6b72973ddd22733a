package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/onetoken-go/onetoken/tokencache"
)

func (a *app) refreshCommand() *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "refresh",
		Short: "Ask the issuer now, for the whole fleet",
		Long: "Ask the issuer now, whatever life the token has left, through the lock, and\n" +
			"share the answer. One line on standard output says whether that brought a token\n" +
			"that Redis did not have, the same again, as an issuer may answer until the\n" +
			"token is in its window, or one that was rejected; how long it lives, and its\n" +
			"state. Never the token.\n\n" +
			"A refusal that needs a person is remembered by the fleet for up to 5 min. This\n" +
			"command passes it, with one call: run it after you mended something in the\n" +
			"console. Other failures, such as a rate limit, hold it back like everybody: the\n" +
			"error says how long. With Redis in trouble the issuer is asked directly, and a\n" +
			"line on standard error says so. It may end half a second later than --timeout:\n" +
			"so long a call under way has for the others. The environment is described by\n" +
			"onetoken -h.",
		Example: "  onetoken refresh && onetoken status",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.refresh(cmd.Context(), timeout)
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", 15*time.Second, "how long to wait for the answer")
	return cmd
}

func (a *app) refresh(ctx context.Context, timeout time.Duration) error {
	env := a.environment()
	waiting, cancel := env.limit(ctx, timeout)
	defer cancel()
	s, err := a.open(waiting, env, opening{credential: true, deadline: deadlineOf(waiting)})
	if err != nil {
		return err
	}
	defer s.close()
	s.warn(ctx)
	var returned *bool
	err = s.within(ctx, waiting, timeout, func(waiting context.Context) (err error) {
		tok, changed, err := s.source.Refresh(waiting)
		if err != nil {
			return err
		}
		returned = s.hasReturned(ctx, tok)
		_, err = fmt.Fprintln(a.stdout, s.whatCame(ctx, tok, changed, returned))
		return err
	})
	s.tellReturned(returned)
	return s.conclude(ctx, err)
}

// whatCame says it in one line, without the token. A token that has returned is not new, though
// Redis did not have it.
func (s *session) whatCame(ctx context.Context, tok tokencache.Token, changed bool, returned *bool) string {
	seen := s.settled(ctx)
	which := "the same token again"
	switch {
	case seen.Direct:
		which = "a token" // nobody knows what Redis has
	case returned != nil && *returned:
		which = "the rejected token again"
	case changed:
		which = "a new token"
	}
	from := "the issuer gave "
	if !seen.Called {
		from = "another replica has just asked, and got "
	}
	text := from + which + ": " + roundly(time.Until(tok.Expiry())) + " left"
	if seen.Direct {
		return text
	}
	ctx, cancel := s.deadline.within(ctx, callGrace)
	defer cancel()
	if status, err := s.source.Status(ctx); err == nil {
		text += ", " + string(status.State)
	}
	return text
}
