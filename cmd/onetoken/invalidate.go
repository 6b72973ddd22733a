package main

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/onetoken-go/onetoken/internal/smallfile"
	"github.com/onetoken-go/onetoken/internal/terminal"
	"github.com/onetoken-go/onetoken/tokencache"
)

func (a *app) invalidateCommand() *cobra.Command {
	var timeout time.Duration
	cmd := &cobra.Command{
		Use:   "invalidate [-]",
		Short: "Tell the fleet that an API rejected the token",
		Long: "Tell the fleet that an API rejected the token, though its life is not over. The\n" +
			"token is dropped everywhere, and the next process that needs one asks the\n" +
			"issuer; this command does not.\n\n" +
			"With \"-\" the rejected token, app or tenant, is read from standard input, and\n" +
			"only dropped if it is the one that is stored: if the fleet has another by now,\n" +
			"nothing is done, and that is no error. Prefer it. Without \"-\" whatever is stored\n" +
			"is dropped. A token is never an argument: ps shows those to all users.\n\n" +
			"A token that the issuer hands out again though it was rejected is not dropped\n" +
			"again within a minute, doubling to 30: then the exit status is 1.\n\n" +
			"The environment is described by onetoken -h.",
		Example:           "  onetoken invalidate - < rejected-token\n  onetoken invalidate && onetoken refresh",
		ValidArgsFunction: cobra.FixedCompletions([]string{"-"}, cobra.ShellCompDirectiveNoFileComp),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 1 || slices.ContainsFunc(args, func(arg string) bool { return arg != "-" }) {
				return errTokenArgument
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.invalidate(cmd.Context(), len(args) > 0, timeout)
		},
	}
	cmd.Flags().DurationVar(&timeout, "timeout", readTime, "how long to wait, in all: for standard input or a file to end, and for redis")
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return fmt.Errorf("%v; %w", flagError(cmd, err), errTokenArgument) //nolint:errorlint // two would be two lines
	})
	return cmd
}

func (a *app) invalidate(ctx context.Context, fromStdin bool, timeout time.Duration) error {
	env := a.environment()
	waiting, cancel := env.limit(ctx, timeout)
	defer cancel()
	s, err := a.open(waiting, env, opening{credential: true, deadline: deadlineOf(waiting)})
	if err != nil {
		return err
	}
	defer s.close()
	rejected := ""
	if fromStdin {
		if rejected, err = env.token(waiting); err != nil {
			return err
		}
	}
	done, err := s.invalidate(waiting, rejected)
	switch {
	case ctx.Err() != nil && err != nil:
		return errors.New("interrupted before redis had answered")
	case errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, tokencache.ErrRedis):
		return env.hint(fmt.Errorf("not known to be dropped within %v: %w", timeout, &tokencache.RedisError{Trouble: tokencache.TroubleTimeout}))
	case errors.Is(err, tokencache.ErrCoolDown):
		return errors.New("not dropped: this token was rejected moments ago, and the issuer has handed it out again since. " +
			"Asking once more would not help yet; see why it is rejected, or try again in a while (1 min, doubling to 30)")
	case err != nil:
		return env.hint(err)
	}
	_, err = fmt.Fprintln(a.stdout, done)
	return err
}

// token reads one from standard input, unless a variable has taken that. At a
// terminal somebody may rather interrupt it.
func (e *environment) token(ctx context.Context) (string, error) {
	raw, err := e.read(ctx, "-", "the token")
	switch {
	case errors.Is(err, errStopped):
		return "", errors.New("interrupted before standard input had ended")
	case err != nil:
		return "", usage(fmt.Errorf("the token cannot be read: %w", err))
	}
	token := smallfile.CutNewline(raw)
	switch {
	case token == "":
		return "", usage(errors.New("standard input is empty: write the rejected token to it"))
	case !tokenShape.MatchString(token):
		return "", usage(errNoToken)
	}
	return token, nil
}

// errNoToken quotes nothing: what came may hold a token.
var errNoToken = errors.New("standard input is not one token and nothing else: write the token alone, such as t-g1044..., " +
	`as onetoken token prints it: without blanks, quotes, braces, "Bearer" or a second line`)

// tokenShape is what can stand after "Bearer" in a header (RFC 6750, section 2.1).
var tokenShape = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// invalidate drops what is stored, if that is the rejected token or none is named,
// and says what became of it.
func (s *session) invalidate(ctx context.Context, rejected string) (string, error) {
	stored, err := s.source.Stored(ctx)
	switch {
	case err != nil:
		return "", err
	case stored.IsZero():
		return "nothing to do: no usable token of " + s.whose() + " is stored; whoever needs one next asks the issuer", nil
	case rejected != "" && !isOneOf(stored, rejected):
		return "nothing to do: the token that is stored is another", nil
	}
	if err := s.source.Invalidate(ctx, stored); err != nil {
		return "", err
	}
	switch s.settled(ctx).Rejection {
	case tokencache.OutcomeDropped:
		return "dropped: whoever needs a token next asks the issuer", nil
	case tokencache.OutcomePaced:
		return "dropped, as a fresh one just before it: the fleet waits a little before it asks for another", nil
	default:
		return "nothing to do: somebody else has just dropped or replaced it", nil
	}
}

// whose are the app and the issuer of the environment's credential, as people know them.
func (s *session) whose() string {
	name := "this credential"
	if s.account.shows(s.appID) {
		name = terminal.Datum(s.appID)
	}
	at := terminal.Datum(s.issuer.Credential().IssuerURL())
	if variable := s.account.variables.url; s.app.getenv(variable) == "" {
		at += " (" + variable + " is not set)"
	}
	return name + " at " + at
}

func isOneOf(tok tokencache.Token, rejected string) bool {
	same := func(s string) bool { return subtle.ConstantTimeCompare([]byte(s), []byte(rejected)) == 1 }
	return same(tok.AppAccessToken()) || same(tok.TenantAccessToken())
}
