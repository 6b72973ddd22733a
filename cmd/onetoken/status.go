package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/onetoken-go/onetoken/internal/advice"
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
			"Those without a token come first, then those in trouble or about to end. Where\n" +
			"an app is there twice, it is said at which issuer.\n\n" +
			"--watch goes on once a second until it is interrupted, also while Redis is in\n" +
			"trouble, and then its exit status is 0.\n\n" +
			statusJSONHelp,
		Example: "  onetoken status\n" +
			"  onetoken status --json | jq -r '.[] | [.app_id, .state] | @tsv'",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.status(cmd.Context(), asJSON, watch)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print an array in one line")
	cmd.Flags().BoolVar(&watch, "watch", false, "look once a second until interrupted")
	return cmd
}

func (a *app) status(ctx context.Context, asJSON, watch bool) error {
	env := &environment{getenv: a.getenv, stdin: a.stdin}
	s, err := a.open(ctx, env, opening{credential: env.hasSecret()})
	if err != nil {
		return err
	}
	defer s.close()
	if s.source == nil {
		s.appID = a.getenv("FEISHU_APP_ID")
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
	return env.hint(s.verdict(all))
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
		return printed(statusJSON)
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
	if err != nil || s.source == nil || slices.ContainsFunc(all, s.isOurs) {
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

func (s *session) isOurs(st tokencache.Status) bool { return st.ID == s.key() }

// key is that of the environment's credential, or nothing.
func (s *session) key() string {
	if s.source == nil {
		return ""
	}
	return s.source.ID()
}

// judges says whether a credential counts: our own if we have one, else those of the app whose id
// is given, else all.
func (s *session) judges(st tokencache.Status) bool {
	if s.source != nil {
		return s.isOurs(st)
	}
	return s.appID == "" || st.App == s.appID
}

// verdict is nil if there is a usable token of a credential that counts. It is never an
// IssuerError: the issuer has not refused this command.
func (s *session) verdict(all []tokencache.Status) error {
	var without []tokencache.Status
	for _, st := range all {
		switch {
		case !s.judges(st):
		case st.State != tokencache.StateAbsent:
			return nil
		default:
			without = append(without, st)
		}
	}
	switch len(without) {
	case 0:
		if s.appID != "" {
			name := "this app"
			if isAppID(s.appID) {
				name = datum(s.appID)
			}
			return fmt.Errorf("no usable token of %s: there is nothing of it under the prefix %s in redis (FEISHU_APP_ID, REDIS_URL, ONETOKEN_PREFIX)", name, s.app.prefix())
		}
		return fmt.Errorf("no usable token: there is nothing under the prefix %s in redis (REDIS_URL, ONETOKEN_PREFIX)", s.app.prefix())
	case 1:
		return fmt.Errorf("no usable token of %s: %s", s.nameAmong(without[0], all), s.whyAbsent(without[0], all))
	}
	return fmt.Errorf("no usable token of %d credentials; of %s: %s", len(without), s.nameAmong(without[0], all), s.whyAbsent(without[0], all))
}

// twinsOf are others of the same app: with another secret, or at another issuer.
func twinsOf(st tokencache.Status, all []tokencache.Status) (twins []tokencache.Status) {
	for _, other := range all {
		if other.App == st.App && other.ID != st.ID {
			twins = append(twins, other)
		}
	}
	return twins
}

// nameAmong is the app, and where its issuer is if it is ours or has a twin; then the first
// digits of the digest in its id, too.
func (s *session) nameAmong(st tokencache.Status, all []tokencache.Status) string {
	name, twins := datum(st.App), twinsOf(st, all)
	if st.IssuerURL != "" && (len(twins) > 0 || s.source != nil && s.isOurs(st)) {
		name += " at " + datum(st.IssuerURL)
	}
	if len(twins) > 0 {
		name += " (" + digestOf(st, 8) + ")"
	}
	return name
}

// digestOf is the beginning of the digest in an id.
func digestOf(st tokencache.Status, digits int) string {
	digest := st.ID[strings.LastIndex(st.ID, ":")+1:]
	return datum(digest[:min(digits, len(digest))])
}

func (s *session) whyAbsent(st tokencache.Status, all []tokencache.Status) string {
	switch {
	case st.Garbled != "":
		return "what is stored cannot be used: " + datum(st.Garbled)
	case st.Failure != nil:
		why := datum(advice.InVariables(st.Failure)) + "; " + againIn(st.RetryIn)
		if st.Failure.Class == tokencache.ClassPermanent {
			why += "; " + advice.AskAtOnce
		}
		return why
	case st.Remaining > 0:
		return "the one that is stored ends in " + roundly(st.Remaining)
	case st.Locked > 0:
		return "somebody is asking the issuer just now"
	}
	const next = "whoever needs one next asks the issuer, as onetoken token does"
	if twins := twinsOf(st, all); s.source != nil && s.isOurs(st) && len(twins) > 0 {
		return s.otherwise(st, twins) + "; " + next
	}
	return "none is stored; " + next
}

// otherwise says of our own credential, of which there is nothing, which others of the app there
// are: mostly a variable is another than elsewhere.
func (s *session) otherwise(ours tokencache.Status, twins []tokencache.Status) string {
	const most = 3
	var others []string
	elsewhere, otherSecret := false, false
	for i, twin := range twins {
		elsewhere = elsewhere || twin.IssuerURL != ours.IssuerURL
		otherSecret = otherSecret || twin.IssuerURL == ours.IssuerURL || twin.IssuerURL == ""
		if i < most {
			others = append(others, whereabouts(twin, ours)+" ("+digestOf(twin, 8)+", "+string(twin.State)+")")
		}
	}
	if more := len(twins) - most; more > 0 {
		others = append(others, fmt.Sprintf("%d more", more))
	}
	base := "FEISHU_BASE_URL"
	if s.app.getenv(base) == "" {
		base += ", which is not set"
	}
	check := base
	switch {
	case otherSecret && elsewhere:
		check = "FEISHU_APP_SECRET and " + base
	case otherSecret:
		check = "FEISHU_APP_SECRET"
	}
	return "nothing is stored for it, but of the same app " + strings.Join(others, ", ") + ": check " + check
}

func whereabouts(twin, ours tokencache.Status) string {
	switch twin.IssuerURL {
	case "":
		return "with another secret or base URL"
	case ours.IssuerURL:
		return "with another secret"
	}
	return "at " + datum(twin.IssuerURL)
}

func (a *app) prefix() string { return cmp.Or(a.getenv("ONETOKEN_PREFIX"), "onetoken") }
