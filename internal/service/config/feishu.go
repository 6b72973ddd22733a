package config

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/tokencache"
)

// feishu fills in what an app has.
func (r *reader) feishu(ctx context.Context, s section, c *Credential, l lives, w way) {
	id := r.need(s, "app_id", "it is the app's id, from the developer console, and begins with cli_")
	url := s.get("base_url")
	secret := r.secret(ctx, s, "app_secret", "the app's secret")
	config := fetcher.FeishuConfig{
		AppSecret: secret.secret(), Window: l.window, MaxLife: l.max, Transport: w.tokens,
		Logger: slog.New(slog.DiscardHandler), // it would tell at each reading what a warning tells
	}
	config.AppID, _ = r.text(id)
	config.BaseURL, _ = r.text(url)
	c.ID = config.AppID // though there may be complaints: clients are granted one of each app
	if isAppID(secret.text) && config.AppID != "" && !isAppID(config.AppID) {
		r.complain(id, "and the secret look swapped: it is the id that begins with cli_")
	}
	r.relay(config.Validate(), s.value, []route{
		{field: "AppID", to: id},
		{field: "AppSecret", to: secret.value},
		{field: "BaseURL", to: url},
		{field: "a Window of", to: s.get("window"), bound: true},
		{field: "a MaxLife of", to: s.get("max_life"), bound: true},
	})
	f, err := fetcher.NewFeishu(config)
	if err != nil {
		r.complainOfRest(s, err, config.Validate())
		return
	}
	c.URL, c.Secret, c.API, c.Fetcher, c.RejectsSecret = f.BaseURL(), config.AppSecret, w.api, f, feishuRejectsSecret
	c.Purpose = digestOf(c.Kind, c.ID, c.URL)
	c.Knock = func(wrap func(http.RoundTripper) http.RoundTripper) (Fetcher, error) {
		knocking := config
		knocking.AppSecret, knocking.Transport = noSecret, wrap(w.tokens)
		return fetcher.NewFeishu(knocking)
	}
}

// complainOfRest is of what makes a fetcher fail although Validate, which has been told, knows nothing.
func (r *reader) complainOfRest(s section, err, told error) {
	if told == nil {
		r.complain(s.value, packageNames.Replace(err.Error()))
	}
}

// noSecret is what a Fetcher gets that is to show none.
var noSecret = tokencache.NewSecret("none")

var packageNames = strings.NewReplacer("fetcher: ", "", "oauth2cc: ", "", "tokencache: ", "")

// isAppID goes by how ids begin: what does not begin so may be anything, a secret too.
func isAppID(text string) bool { return strings.HasPrefix(text, "cli_") }

func feishuRejectsSecret(err error) bool {
	refusal, ok := errors.AsType[*tokencache.IssuerError](err)
	return ok && fetcher.FeishuRejectsSecret(refusal.Code)
}
