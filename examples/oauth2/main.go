// Command oauth2 calls an API behind an OAuth 2 server, and prints the answer. The http.Client sends the access
// token, and replaces one that the API rejects. Any number of processes share one token through Redis. Its
// README.md says how to try it.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/onetoken-go/onetoken/examples/internal/embedded"
	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/oauth2cc"
	"github.com/onetoken-go/onetoken/redisurl"
	"github.com/onetoken-go/onetoken/tokencache"
)

const (
	apiTimeout = 10 * time.Second // of one call, its wait for a token and a second try included
	maxAnswer  = 1 << 20          // bytes that are read and printed
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := embedded.OAuth2(os.Getenv, func(getenv func(string) string) error {
		return run(ctx, getenv, os.Stdout)
	})
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, getenv func(string) string, out io.Writer) error {
	target, err := redisurl.Parse(cmp.Or(getenv("REDIS_URL"), redisurl.Local))
	if err != nil {
		return fmt.Errorf("REDIS_URL %w", err)
	}
	rdb := target.NewClient()
	defer rdb.Close()                                      //nolint:errcheck // nobody can do anything about it
	cache, err := tokencache.New(rdb, tokencache.Config{}) // one in a process
	if err != nil {
		return err
	}
	defer cache.Close()
	server, err := oauth2cc.New(oauth2cc.Config{
		TokenURL:     getenv("OAUTH2_TOKEN_URL"),
		ClientID:     getenv("OAUTH2_CLIENT_ID"),
		ClientSecret: tokencache.NewSecret(getenv("OAUTH2_CLIENT_SECRET")),
		Scopes:       strings.Fields(getenv("OAUTH2_SCOPES")),
	})
	if err != nil {
		return fmt.Errorf("OAUTH2_TOKEN_URL, OAUTH2_CLIENT_ID, OAUTH2_CLIENT_SECRET or OAUTH2_SCOPES: %w", err)
	}
	url := getenv("API_URL")
	api, err := newClient(cache.Source(server), url)
	if err != nil {
		return fmt.Errorf("API_URL: %w", err)
	}
	return call(ctx, api, url, out)
}

// newClient sends tokens along, to the host of url and no other.
func newClient(tokens *tokencache.Source, url string) (*http.Client, error) {
	transport, err := bearer.New(bearer.Config{
		Source: tokens, Kind: bearer.Access, Rejects: bearer.RFC6750Rejects, Hosts: []string{originOf(url)},
	})
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: transport, Timeout: apiTimeout}, nil
}

// originOf is a URL without its path.
func originOf(url string) string {
	scheme, rest, _ := strings.Cut(url, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host
}

// call knows nothing of tokens.
func call(ctx context.Context, api *http.Client, url string, out io.Writer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := api.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "%s\n%s\n", res.Status, answer)
	return err
}
