package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/pflag"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// maxApps bounds --apps.
const maxApps = 1000

// feishuIssuer has the flags of --kind feishu.
type feishuIssuer struct {
	window, remaining time.Duration
	mintEveryCall     bool
	apps              int
}

func (f *feishuIssuer) flags() *pflag.FlagSet {
	flags := pflag.NewFlagSet(kindFeishu, pflag.ContinueOnError)
	flags.DurationVar(&f.window, "window", 0, "feishu: remaining life below which a new token is minted (0: the smaller of 30m and a quarter of the life)")
	flags.DurationVar(&f.remaining, "remaining", 0, "feishu: begin with a token that has only this much left, at or above the window (0: with none)")
	flags.BoolVar(&f.mintEveryCall, "mint-every-call", false, "feishu: a new token at every call, as some issuers do")
	flags.IntVar(&f.apps, "apps", 1, "feishu: how many apps there are, with one secret; their ids are that of the environment, and this with _2, _3, ... behind it")
	return flags
}

// play reads the credential, and complains about it and the flags.
func (f *feishuIssuer) play(ctx context.Context, env *environment, o issuerOptions) (played, error) {
	credential := env.feishu(ctx, "")
	p := played{start: func() http.Handler { return f.issuer(o, credential.AppID, credential.AppSecret.Reveal()) }}
	if isAppID(credential.AppID) {
		p.app = credential.AppID
	}
	return p, f.validate(o.life)
}

func (f *feishuIssuer) validate(life time.Duration) error {
	var errs []error
	if f.window != 0 && (f.window < time.Second || f.window > life) {
		errs = append(errs, errors.New("--window has to be between 1s and the life, or 0"))
	}
	if f.remaining != 0 && (f.remaining < f.openWindow(life) || f.remaining > life || f.remaining%time.Second != 0) {
		errs = append(errs, errors.New("--remaining has to be whole seconds between the window and the life, or 0: below the window a new token is minted"))
	}
	if f.apps < 1 || f.apps > maxApps {
		errs = append(errs, fmt.Errorf("--apps has to be between 1 and %d", maxApps))
	}
	return errors.Join(errs...)
}

// openWindow is the one that counts.
func (f *feishuIssuer) openWindow(life time.Duration) time.Duration {
	return cmp.Or(f.window, feishutest.DefaultWindow(life))
}

func (f *feishuIssuer) issuer(o issuerOptions, id, secret string) http.Handler {
	c := feishutest.Config{
		AppID: id, AppSecret: secret,
		Life: o.life, Window: f.window, Latency: o.latency, MintEveryCall: f.mintEveryCall,
	}
	for n := 2; n <= f.apps; n++ {
		c.Apps = append(c.Apps, feishutest.AppConfig{ID: fmt.Sprintf("%s_%d", id, n), Secret: secret})
	}
	issuer := feishutest.New(c)
	if f.remaining > 0 {
		issuer.SetRemaining(f.remaining)
		for _, a := range c.Apps {
			issuer.App(a.ID).SetRemaining(f.remaining)
		}
	}
	return issuer
}
