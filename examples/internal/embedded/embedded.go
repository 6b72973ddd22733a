// Package embedded lets an example run with nothing installed: it plays the Redis and the issuer that the
// environment does not name. A program of your own does without: where an example's main calls
// embedded.Feishu(os.Getenv, ...), yours calls run(ctx, os.Getenv).
package embedded

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"

	"github.com/alicebob/miniredis/v2"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
)

// Program is an example that reads its environment by getenv.
type Program func(getenv func(string) string) error

// Feishu runs a program with a Redis and an app of Feishu's. If the environment sets any of their variables, the
// program gets it as it is. Else this process plays both, on loopback, until the program ends; the log says so,
// and in the end how often the issuer was asked for a token.
func Feishu(getenv func(string) string, program Program) error {
	if anySet(getenv, "REDIS_URL", "FEISHU_APP_ID", "FEISHU_APP_SECRET", "FEISHU_APP_SECRET_FILE", "FEISHU_BASE_URL") {
		return program(getenv)
	}
	log.Print("REDIS_URL and FEISHU_* are not set: this process plays Redis and the issuer")
	issuer := feishutest.New(feishutest.Config{})
	defer func() { sayCalls(issuer.Stats().Calls) }()
	return Beside(issuer, func(redisURL, issuerURL string) error {
		return program(with(getenv, map[string]string{
			"REDIS_URL":     redisURL,
			"FEISHU_APP_ID": issuer.AppID(), "FEISHU_APP_SECRET": issuer.AppSecret(), "FEISHU_BASE_URL": issuerURL,
		}))
	})
}

// OAuth2 is like Feishu, with an OAuth 2 server, and an API that takes its tokens.
func OAuth2(getenv func(string) string, program Program) error {
	if anySet(getenv, "REDIS_URL", "OAUTH2_TOKEN_URL", "OAUTH2_CLIENT_ID", "OAUTH2_CLIENT_SECRET", "API_URL") {
		return program(getenv)
	}
	log.Print("REDIS_URL, OAUTH2_* and API_URL are not set: this process plays Redis and the issuer")
	issuer := oauth2test.New(oauth2test.Config{})
	defer func() { sayCalls(issuer.Stats().Calls) }()
	return Beside(issuer, func(redisURL, issuerURL string) error {
		return program(with(getenv, map[string]string{
			"REDIS_URL":        redisURL,
			"OAUTH2_TOKEN_URL": issuerURL + "/token", "OAUTH2_CLIENT_ID": issuer.ClientID(), "OAUTH2_CLIENT_SECRET": issuer.ClientSecret(),
			"API_URL": issuerURL + "/api",
		}))
	})
}

func anySet(getenv func(string) string, names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return getenv(name) != "" })
}

func with(getenv func(string) string, values map[string]string) func(string) string {
	return func(name string) string {
		if value, ok := values[name]; ok {
			return value
		}
		return getenv(name)
	}
}

func sayCalls(n int) { log.Printf("calls of the issuer for a token: %d", n) }

// Beside runs a program beside a Redis and an issuer, both on loopback and in this process. They end with it.
func Beside(issuer http.Handler, program func(redisURL, issuerURL string) error) error {
	store := miniredis.NewMiniRedis()
	store.ClockTTL(true) // by default its keys never expire by themselves
	if err := store.Start(); err != nil {
		return fmt.Errorf("embedded redis: %w", err)
	}
	defer store.Close()
	server := httptest.NewServer(issuer)
	defer server.Close()
	log.Printf("the issuer counts calls at %s%s", server.URL, feishutest.StatsPath)
	return program("redis://"+store.Addr(), server.URL)
}
