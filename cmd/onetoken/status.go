package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/onetoken-go/onetoken/internal/statusjson"
	"github.com/onetoken-go/onetoken/internal/terminal"
	"github.com/onetoken-go/onetoken/tokencache"
)

func (a *app) statusCommand() *cobra.Command {
	var asJSON, watch bool
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what Redis knows of every credential; never a token",
		Long: "Show what Redis knows of every credential under the prefix; never a token. Only\n" +
			"Redis is asked, and nothing is written. States: fresh; due, in its window;\n" +
			"urgent, in the last part of it; absent, no token that can be used.\n\n" +
			"With FEISHU_APP_ID and its secret set, that credential (at FEISHU_BASE_URL) is\n" +
			"shown even if there is nothing of it, and it alone decides the exit status; with\n" +
			"the id alone, one usable token of that app will do; with neither, one among all.\n" +
			"Exit status 1: no usable token, or Redis is in trouble, and a line on standard\n" +
			"error says why. So it serves as a health check. It reads through the names of\n" +
			"all keys in Redis: mind a Redis that has millions.\n\n" +
			"With ONETOKEN_KIND=oauth2 the client of OAUTH2_CLIENT_ID stands for the app, and\n" +
			"OAUTH2_TOKEN_URL, scopes and all for the base URL.\n\n" +
			"Those without a token come first, then those in trouble or about to end. Where\n" +
			"an app is there twice, it is said at which issuer.\n\n" +
			"--watch goes on once a second until it is interrupted, also while Redis is in\n" +
			"trouble, and then its exit status is 0.\n\n" +
			statusjson.Help,
		Example: "  onetoken status\n" +
			"  onetoken status --json | jq -r '.[] | [.app_id, .state] | @tsv'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.status(cmd.Context(), asJSON, watch)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print an array in one line")
	cmd.Flags().BoolVar(&watch, "watch", false, "look once a second until interrupted")
	return cmd
}

func (a *app) status(ctx context.Context, asJSON, watch bool) error {
	env := a.environment()
	s, err := a.open(ctx, env, opening{credential: env.hasSecret()})
	if err != nil {
		return err
	}
	defer s.close()
	if s.source == nil {
		s.appID = a.getenv(s.account.variables.id)
	}
	show := a.statusPainter(s, asJSON, watch)
	if watch {
		return s.watch(ctx, show)
	}
	all, err := s.survey(ctx)
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted before redis had answered")
	case err != nil:
		return env.hint(err)
	}
	if err := show(all, nil); err != nil {
		return err
	}
	return env.hint(s.judge().verdict(all))
}

// The least terminal that is painted on. What does not fit is cut.
const statusWidth, statusHeight = 40, 6

// statusPainter shows what was seen, or why nothing was. Its error is of writing.
func (a *app) statusPainter(s *session, asJSON, watch bool) func([]tokencache.Status, error) error {
	explain := s.env.words
	printed := func(text func([]tokencache.Status) string) func([]tokencache.Status, error) error {
		return func(all []tokencache.Status, err error) error {
			if err != nil {
				say(a.stderr, explain(err))
				return nil
			}
			_, err = io.WriteString(a.stdout, text(all))
			return err
		}
	}
	view := statusView{prefix: a.prefix(), ours: s.key(), drawn: terminal.Is(a.stdout)}
	switch screen := terminal.NewScreen(a.stdout, a.getenv("TERM"), statusWidth, statusHeight); {
	case asJSON:
		return printed(statusjson.Line)
	case !watch:
		return printed(view.on(terminal.WidthOf(a.stdout)).text)
	case screen == nil:
		return printed(func(all []tokencache.Status) string {
			return view.heading(all, 0) + "\n" + view.on(terminal.WidthOf(a.stdout)).text(all) + "\n"
		})
	default:
		return func(all []tokencache.Status, err error) error {
			view := view.on(terminal.WidthOf(a.stdout)) // it may have changed
			view.height = screen.Height()
			if err != nil {
				return screen.Paint(view.trouble(explain(err)))
			}
			return screen.Paint(view.picture(all))
		}
	}
}

// watch shows until ctx ends. Whatever is wrong with Redis may pass; that nobody
// reads any more does not.
func (s *session) watch(ctx context.Context, show func([]tokencache.Status, error) error) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		all, err := s.survey(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err := show(all, err); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// survey is every credential, with our own even if Redis has nothing of it.
func (s *session) survey(ctx context.Context) ([]tokencache.Status, error) {
	all, err := s.cache.Survey(ctx)
	if err != nil || s.source == nil || slices.ContainsFunc(all, s.judge().isOurs) {
		return all, err
	}
	ours, err := s.source.Status(ctx)
	if err != nil {
		return nil, err
	}
	all = append(all, ours)
	slices.SortFunc(all, func(a, b tokencache.Status) int { return cmp.Compare(a.ID, b.ID) })
	return all, nil
}

// judge is for whom the environment names.
func (s *session) judge() judge {
	return judge{ours: s.key(), appID: s.appID, prefix: s.app.prefix(), urlSet: s.app.getenv(s.account.variables.url) != "", variables: s.account.variables}
}

// key is that of the environment's credential, or nothing.
func (s *session) key() string {
	if s.source == nil {
		return ""
	}
	return s.source.ID()
}
