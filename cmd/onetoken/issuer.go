package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Bounds of an issuer that is for trying things, and may be left running.
const (
	maxLatency    = time.Minute
	maxFeishuLife = 2 * time.Hour       // and the default of either kind
	maxOAuth2Life = 30 * 24 * time.Hour // the longest that OAUTH2_MAX_LIFE lets pass unless it is set
)

// issuerOptions are the flags. Those of one kind have a flag set of their own.
type issuerOptions struct {
	kind          choice
	listen        string
	life, latency time.Duration
	feishu        feishuIssuer
	oauth2        oauth2Issuer
	ofKind        map[string]*pflag.FlagSet
}

func (a *app) issuerCommand() *cobra.Command {
	o := issuerOptions{kind: choice{value: kindFeishu, of: []string{kindFeishu, kindOAuth2}}}
	cmd := &cobra.Command{
		Use:   "issuer",
		Short: "Play the issuer, to try things without an account anywhere",
		Long: "Play the issuer: an HTTP server that keeps to the rules of Feishu's endpoint, or\n" +
			"to those of OAuth 2 client credentials (RFC 6749). It takes the id and secret\n" +
			"that are in the environment, and tells on standard error where it listens.\n\n" +
			"--kind feishu, with FEISHU_APP_ID and FEISHU_APP_SECRET (or _FILE). With less\n" +
			"than the window left it mints a new token; before that it returns the same one\n" +
			"with its remaining life:\n\n" +
			"  POST /open-apis/auth/v3/app_access_token/internal     the token endpoint\n" +
			"  POST /open-apis/auth/v3/tenant_access_token/internal  the same: tenant token\n" +
			"  GET  /open-apis/tenant/v2/tenant/query          wants the tenant token\n" +
			"  POST /open-apis/im/v1/messages                  the same, with a body\n" +
			"  POST /open-apis/im/v1/files                     the same, with an upload\n" +
			"  GET  /open-apis/im/v1/files/{file_key}          the same, a download\n" +
			"  POST /open-apis/mina/v2/tokenLoginValidate      wants the app token\n" +
			"  POST /open-apis/authen/v2/oauth/token           a user signs in, by any code\n" +
			"  GET  /open-apis/authen/v1/user_info             wants that user's token\n" +
			"  POST /callback/ws/endpoint                      where to connect for events\n" +
			"  POST /open-apis/auth/v3/app_ticket/resend       refused: no store app\n" +
			"  POST /_revoke[?app_id=...]                      ends the token in force\n" +
			"  GET  /_stats                                    calls, rotations, refused\n\n" +
			"--kind oauth2, with OAUTH2_CLIENT_ID and OAUTH2_CLIENT_SECRET (or _FILE). Every\n" +
			"call mints:\n\n" +
			"  POST /token                                     the token endpoint\n" +
			"  *    /api[?scope=...][?bare=true]               wants a token; bare: 401\n" +
			"                                                  without WWW-Authenticate\n" +
			"  GET  /.well-known/oauth-authorization-server    where these are\n" +
			"  GET  /.well-known/openid-configuration          the same\n" +
			"  GET  /jwks                                      no keys\n" +
			"  POST /_revoke[?client_id=...]                   ends all tokens\n" +
			"  GET  /_stats                                    calls, minted, refused",
		Example: "  export FEISHU_APP_ID=cli_try FEISHU_APP_SECRET=try-secret\n" +
			"  onetoken issuer --life 2m &\n" +
			"  FEISHU_BASE_URL=http://127.0.0.1:9090 onetoken token\n" +
			"  curl -X POST http://127.0.0.1:9090/_revoke\n\n" +
			"  OAUTH2_CLIENT_ID=try OAUTH2_CLIENT_SECRET=try-secret \\\n" +
			"    onetoken issuer --kind oauth2 --scopes 'read write' &\n" +
			"  curl -u try:try-secret -d grant_type=client_credentials \\\n" +
			"    http://127.0.0.1:9090/token",
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !cmd.Flags().Changed("kind") && a.getenv("ONETOKEN_KIND") == kindOAuth2 {
				o.kind.value = kindOAuth2
			}
			return a.issuer(cmd.Context(), o)
		},
	}
	flags := cmd.Flags()
	flags.Var(&o.kind, "kind", "of issuer: "+o.kind.options()+" (with ONETOKEN_KIND=oauth2 that one, unless this says otherwise)")
	flags.StringVar(&o.listen, "listen", "127.0.0.1:9090", "host:port to listen on; port 0 picks a free one")
	flags.DurationVar(&o.life, "life", maxFeishuLife, "life of a new token, in whole seconds, up to 2h; oauth2: up to 720h")
	flags.DurationVar(&o.latency, "latency", 0, "how long an answer of the token endpoint takes")
	o.ofKind = map[string]*pflag.FlagSet{kindFeishu: o.feishu.flags(), kindOAuth2: o.oauth2.flags()}
	for _, kind := range o.kind.of {
		flags.AddFlagSet(o.ofKind[kind])
	}
	o.kind.complete(cmd, "kind")
	return cmd
}

func (o issuerOptions) validate() error {
	errs := []error{o.misplaced()}
	switch {
	case o.kind.value == kindOAuth2 && o.life > maxOAuth2Life:
		errs = append(errs, errors.New("--life has to be 720h or less: no client believes a longer one unless OAUTH2_MAX_LIFE says so"))
	case o.kind.value == kindFeishu && o.life > maxFeishuLife:
		errs = append(errs, errors.New("--life has to be 2h or less: no client of Feishu believes a longer one"))
	case o.life < time.Second || o.life%time.Second != 0:
		errs = append(errs, errors.New("--life has to be whole seconds, such as 2h or 20s"))
	}
	if !canListen(o.listen) {
		errs = append(errs, errors.New("--listen has to be host:port, such as 127.0.0.1:9090"))
	}
	if o.latency < 0 || o.latency > maxLatency {
		errs = append(errs, fmt.Errorf("--latency has to be between 0 and %v", maxLatency))
	}
	return errors.Join(errs...)
}

// misplaced complains about flags of another kind: who gives one expects that it does something.
func (o issuerOptions) misplaced() error {
	var errs []error
	for _, kind := range o.kind.of {
		if kind == o.kind.value {
			continue
		}
		o.ofKind[kind].VisitAll(func(f *pflag.Flag) {
			if f.Changed {
				errs = append(errs, fmt.Errorf("--%s is for --kind %s: leave it out, or choose that kind", f.Name, kind))
			}
		})
	}
	return errors.Join(errs...)
}

// issuer serves until ctx ends, which is the way to stop it and no error.
func (a *app) issuer(ctx context.Context, o issuerOptions) error {
	env := a.environment()
	env.pretend = true
	play := map[string]func(context.Context, *environment, issuerOptions) (played, error){
		kindFeishu: o.feishu.play, kindOAuth2: o.oauth2.play,
	}[o.kind.value]
	lookalike, err := play(ctx, env, o)
	if err := errors.Join(usage(errors.Join(o.validate(), err)), env.err()); err != nil {
		return err
	}
	listener, err := listen(ctx, o.listen)
	if err != nil {
		return err
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		say(a.stderr, "warning: others can reach this address, and the secret travels in the clear")
	}
	whose, logger := "", a.logger
	if lookalike.app != "" {
		whose, logger = " for app "+lookalike.app, logger.With("app", lookalike.app)
	}
	say(a.stderr, fmt.Sprintf("issuer%s listens on http://%s", whose, listener.Addr()))
	return serve(ctx, listener, logged(logger, lookalike.start()), logger, o.latency)
}

// played is an issuer of either kind.
type played struct {
	app   string              // whose, where it can be told
	start func() http.Handler // once nothing is complained of
}
