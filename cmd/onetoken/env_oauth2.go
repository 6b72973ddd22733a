package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/fetcher/oauth2cc"
	"github.com/onetoken-go/onetoken/internal/doctor"
	"github.com/onetoken-go/onetoken/tokencache"
)

// oauth2 reads a client of an OAuth 2 server, and complains about it.
func (e *environment) oauth2(ctx context.Context) oauth2cc.Config {
	secret, ok := e.orFile(ctx, "OAUTH2_CLIENT_SECRET")
	c := oauth2cc.Config{
		TokenURL:     e.getenv("OAUTH2_TOKEN_URL"),
		ClientID:     e.getenv("OAUTH2_CLIENT_ID"),
		ClientSecret: tokencache.NewSecret(secret),
		Auth:         e.oauth2Auth(),
		Scopes:       strings.Fields(e.getenv("OAUTH2_SCOPES")),
		Audience:     e.getenv("OAUTH2_AUDIENCE"),
		Resources:    strings.Fields(e.getenv("OAUTH2_RESOURCE")),
		Params:       e.oauth2Params(),
		Life:         e.duration("OAUTH2_LIFE"),
		MaxLife:      e.duration("OAUTH2_MAX_LIFE"),
	}
	judged := c
	if !ok {
		judged.ClientSecret = tokencache.NewSecret("stand-in") // a good one: why it is missing has been said
	}
	e.complainOfFields(judged.Validate())
	return c
}

func (e *environment) oauth2Auth() oauth2cc.Auth {
	switch e.getenv("OAUTH2_AUTH") {
	case "", "basic":
		return oauth2cc.Basic
	case "body":
		return oauth2cc.Body
	}
	e.complain("OAUTH2_AUTH is neither basic nor body")
	return oauth2cc.Basic
}

// oauth2Params reads a=b&c=d, percent-encoded.
func (e *environment) oauth2Params() map[string]string {
	all, err := url.ParseQuery(e.getenv("OAUTH2_PARAMS"))
	if err != nil {
		e.complain("OAUTH2_PARAMS has to look like a=b&c=d, with what is special in it percent-encoded")
	}
	params := map[string]string{}
	for name, values := range all {
		if len(values) > 1 {
			e.complain("OAUTH2_PARAMS has a name twice: OAuth 2 takes each once")
		}
		params[name] = values[0]
	}
	return params
}

// duration is 0, which stands for the default, where the variable is not set, and after a complaint.
func (e *environment) duration(name string) time.Duration {
	value := e.getenv(name)
	if value == "" {
		return 0
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 {
		e.complain("%s has to be a duration such as 20m or 1h, or 0 for the default", name)
		return 0
	}
	return d
}

func oauth2Account(c oauth2cc.Config) account {
	return account{
		variables: oauth2Variables, appID: c.ClientID, url: c.TokenURL, secret: c.ClientSecret,
		fetcher: func(secret tokencache.Secret, by http.RoundTripper, logger *slog.Logger) (doctor.Fetcher, error) {
			c := c
			c.ClientSecret, c.Logger = secret, logger
			if by != nil {
				c.Transport = by
			}
			if err := c.Validate(); err != nil { // whose words have no name of a package
				return nil, err
			}
			return oauth2cc.New(c)
		},
		rejects: oauth2cc.RejectsSecret,
	}
}
