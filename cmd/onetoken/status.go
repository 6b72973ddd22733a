package main

import (
	"cmp"
	"context"
	"errors"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/onetoken-go/onetoken/internal/statusjson"
	"github.com/onetoken-go/onetoken/internal/terminal"
	"github.com/onetoken-go/onetoken/tokencache"
)

func (a *app) statusCommand() *cobra.Command {
	var f statusFlags
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show how every credential does; never a token",
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
			statusSourcesHelp + "\n\n" +
			"--watch looks once a second until it is interrupted, also while Redis or the\n" +
			"service is in trouble, and then its exit status is 0. It has the whole terminal,\n" +
			"from 40 columns on, with the worst on top, and gives it back; where there is no\n" +
			"terminal it prints what is known whenever more than the time has changed, with\n" +
			"--json at each look. NO_COLOR switches colours off.\n\n" +
			statusjson.Help + "\n" +
			"With --service or --config each has a name, too; a service tells more fields.",
		Example: "  onetoken status\n" +
			"  onetoken status --watch --service http://127.0.0.1:8080\n" +
			"  onetoken status --config onetoken.yaml\n" +
			"  onetoken status --json | jq -r '.[] | [.app_id, .state] | @tsv'",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.complaint(); err != nil {
				return usage(err)
			}
			return a.status(cmd.Context(), f)
		},
	}
	cmd.Flags().BoolVar(&f.json, "json", false, "print an array in one line")
	cmd.Flags().BoolVar(&f.watch, "watch", false, "look once a second until interrupted")
	givenVar(cmd.Flags(), &f.service, "service", "URL of a service's status.listen: how its credentials do")
	givenVar(cmd.Flags(), &f.config, "config", "a configuration file: how its credentials do, by what Redis knows")
	f.files.flags(cmd)
	return cmd
}

// statusSourcesHelp is the part of the help about the service and its file.
const statusSourcesHelp = "With --service URL a service is asked that runs there (onetoken refresher\n" +
	"--config), and of the environment nothing counts. With --config FILE Redis is\n" +
	"asked about the credentials of the file, without a service; the file is read\n" +
	"again when it changes. Exit status 1 in both cases: one of them that is not\n" +
	"disabled has no usable token; or the service stands still, and has to be\n" +
	"started again. For https:// there are --ca-file, whose\n" +
	"authorities are trusted besides the system's, and --cert-file and --key-file, to\n" +
	"show where the service has status.tls.client_ca_file."

// statusFlags are those of the command.
type statusFlags struct {
	json, watch     bool
	service, config string
	files           serviceFiles
}

func (f statusFlags) complaint() error {
	switch {
	case f.service != "" && f.config != "":
		return errors.New("--service goes without --config: the one asks a service, the other Redis")
	case f.service == "" && f.files != serviceFiles{}:
		return errors.New("--ca-file, --cert-file and --key-file are for --service")
	}
	return nil
}

func (a *app) status(ctx context.Context, f statusFlags) error {
	switch {
	case f.service != "":
		return a.statusOfService(ctx, f)
	case f.config != "":
		return a.statusOfFile(ctx, f)
	}
	env := a.environment()
	s, err := a.open(ctx, env, opening{credential: env.hasSecret()})
	if err != nil {
		return err
	}
	defer s.close()
	if s.source == nil {
		s.appID = a.getenv(s.account.variables.id)
	}
	if f.watch {
		return a.watch(ctx, s, f.json)
	}
	all, err := s.survey(ctx)
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted before redis had answered")
	case err != nil:
		return env.hint(err)
	}
	view := statusView{ours: s.key(), prefix: a.prefix(), drawn: terminal.Is(a.stdout), width: terminal.WidthOf(a.stdout)}
	text := view.text
	if f.json {
		text = statusjson.Line
	}
	if _, err := io.WriteString(a.stdout, text(all)); err != nil {
		return err
	}
	return env.hint(s.judge().verdict(all))
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
