package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/spf13/cobra"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// Bounds of an issuer that is for trying things, and may be left running.
const (
	maxLatency    = time.Minute
	maxIssuerLife = 2 * time.Hour
)

type issuerOptions struct {
	listen                           string
	life, window, latency, remaining time.Duration
	mintEveryCall                    bool
}

func (a *app) issuerCommand() *cobra.Command {
	var o issuerOptions
	cmd := &cobra.Command{
		Use:   "issuer",
		Short: "Play the issuer, to try things without a Feishu app",
		Long: "Play the issuer: an HTTP server that keeps to the rules of Feishu's endpoint.\n" +
			"With less than the window left it mints a new token; before that it returns the\n" +
			"same one with its remaining life. It takes the id and secret that are in the\n" +
			"environment (see onetoken -h), and tells on standard error where it listens.\n\n" +
			"  POST /open-apis/auth/v3/app_access_token/internal  the token endpoint\n" +
			"  GET  /open-apis/tenant/v2/tenant/query             wants the tenant token\n" +
			"  GET  /_stats                                       calls, rotations, refused",
		Example: "  export FEISHU_APP_ID=cli_try FEISHU_APP_SECRET=try-secret\n" +
			"  onetoken issuer --life 2m &\n" +
			"  FEISHU_BASE_URL=http://127.0.0.1:9090 onetoken token",
		RunE: func(cmd *cobra.Command, _ []string) error { return a.issuer(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.listen, "listen", "127.0.0.1:9090", "host:port to listen on; port 0 picks a free one")
	flags.DurationVar(&o.life, "life", 2*time.Hour, "life of a new token, in whole seconds, up to 2h")
	flags.DurationVar(&o.window, "window", 0, "remaining life below which a new token is minted (0: the smaller of 30m and a quarter of the life)")
	flags.DurationVar(&o.remaining, "remaining", 0, "begin with a token that has only this much left, at or above the window (0: with none)")
	flags.DurationVar(&o.latency, "latency", 0, "how long an answer takes")
	flags.BoolVar(&o.mintEveryCall, "mint-every-call", false, "a new token at every call, as some issuers do")
	return cmd
}

func (o issuerOptions) validate() error {
	var errs []error
	switch {
	case o.life > maxIssuerLife:
		errs = append(errs, errors.New("--life has to be 2h or less: no client of Feishu believes a longer one"))
	case o.life < time.Second || o.life%time.Second != 0:
		errs = append(errs, errors.New("--life has to be whole seconds, such as 2h or 20s"))
	}
	if o.window != 0 && (o.window < time.Second || o.window > o.life) {
		errs = append(errs, errors.New("--window has to be between 1s and the life, or 0"))
	}
	if o.remaining != 0 && (o.remaining < o.openWindow() || o.remaining > o.life || o.remaining%time.Second != 0) {
		errs = append(errs, errors.New("--remaining has to be whole seconds between the window and the life, or 0: below the window a new token is minted"))
	}
	if !canListen(o.listen) {
		errs = append(errs, errors.New("--listen has to be host:port, such as 127.0.0.1:9090"))
	}
	if o.latency < 0 || o.latency > maxLatency {
		errs = append(errs, fmt.Errorf("--latency has to be between 0 and %v", maxLatency))
	}
	return errors.Join(errs...)
}

// openWindow is the one that counts.
func (o issuerOptions) openWindow() time.Duration {
	return cmp.Or(o.window, feishutest.DefaultWindow(o.life))
}

// issuer serves until ctx ends, which is the way to stop it and no error.
func (a *app) issuer(ctx context.Context, o issuerOptions) error {
	env := a.environment()
	env.pretend = true
	credential := env.feishu(ctx, "")
	if err := errors.Join(usage(o.validate()), env.err()); err != nil {
		return err
	}
	listener, err := listen(ctx, o.listen)
	if err != nil {
		return err
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); ok && !tcp.IP.IsLoopback() {
		say(a.stderr, "warning: others can reach this address, and the secret travels in the clear")
	}
	lookalike := feishutest.New(feishutest.Config{
		AppID: credential.AppID, AppSecret: credential.AppSecret.Reveal(),
		Life: o.life, Window: o.window, Latency: o.latency, MintEveryCall: o.mintEveryCall,
	})
	if o.remaining > 0 {
		lookalike.SetRemaining(o.remaining)
	}
	whose, logger := "", a.logger
	if isAppID(credential.AppID) {
		whose, logger = " for app "+credential.AppID, logger.With("app", credential.AppID)
	}
	say(a.stderr, fmt.Sprintf("issuer%s listens on http://%s", whose, listener.Addr()))
	return serve(ctx, listener, logged(logger, lookalike), logger, o.latency)
}
