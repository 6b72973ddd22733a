// Command basic is the smallest service on onetoken: GET / tells the name of
// the tenant, which it asks Feishu for with the tenant token. Any number of
// these share one token through Redis. Its README.md says how to try it.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/tokencache"
)

const (
	listenOn       = "127.0.0.1:8080"
	requestTimeout = 10 * time.Second // of one request, its wait for a token included
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Getenv, listenOn); err != nil {
		log.Fatal(err)
	}
}

// run serves until ctx ends, and then lets go of everything in turn.
func run(ctx context.Context, getenv func(string) string, address string) error {
	s, err := newService(getenv)
	if err != nil {
		return err
	}
	defer s.close()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	log.Printf("listening on http://%s", listener.Addr())
	server := &http.Server{Handler: s, ReadHeaderTimeout: requestTimeout}
	stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stopped()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// service answers requests. One Cache and one Source serve all of them.
type service struct {
	rdb     *redis.Client
	cache   *tokencache.Cache
	tokens  *tokencache.Source
	baseURL string
}

func newService(getenv func(string) string) (*service, error) {
	options, err := redisOptions(getenv("REDIS_URL"))
	if err != nil {
		return nil, err
	}
	s := &service{baseURL: strings.TrimRight(cmp.Or(getenv("FEISHU_BASE_URL"), fetcher.FeishuURL), "/")}
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{
		AppID: getenv("FEISHU_APP_ID"), AppSecret: tokencache.NewSecret(getenv("FEISHU_APP_SECRET")), BaseURL: s.baseURL,
	})
	if err != nil {
		return nil, fmt.Errorf("FEISHU_APP_ID, FEISHU_APP_SECRET or FEISHU_BASE_URL: %w", err)
	}
	options.ContextTimeoutEnabled = true // the cache then needs no goroutine to leave a slow command behind
	s.rdb = redis.NewClient(options)
	if s.cache, err = tokencache.New(s.rdb, tokencache.Config{}); err != nil {
		return nil, err
	}
	s.tokens = s.cache.Source(feishu)
	return s, nil
}

// redisOptions complains of a #, as what follows one is dropped without a word: a password that
// holds one would be cut, and the host and the rest be lost.
func redisOptions(raw string) (*redis.Options, error) {
	if strings.Contains(raw, "#") {
		return nil, errors.New("REDIS_URL has a #, from which on all would be dropped: write %23 for it")
	}
	options, err := redis.ParseURL(cmp.Or(raw, "redis://127.0.0.1:6379"))
	if err != nil { // which would quote the password
		return nil, errors.New("REDIS_URL has to look like redis://127.0.0.1:6379")
	}
	return options, nil
}

// close lets a call to the issuer that was begun end, then drops Redis.
func (s *service) close() {
	_ = s.cache.Close()
	_ = s.rdb.Close()
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	name, err := s.tenantName(ctx)
	if err != nil {
		log.Print(err)
		http.Error(w, "Feishu cannot be asked now", http.StatusBadGateway)
		return
	}
	_, _ = fmt.Fprintln(w, name)
}

// tenantName asks a second time if the token was rejected before its end, which
// the fleet is told of. Get is cheap: call it for every request.
func (s *service) tenantName(ctx context.Context) (string, error) {
	for again := true; ; again = false {
		tok, err := s.tokens.Get(ctx)
		if err != nil {
			return "", err
		}
		answer, err := s.query(ctx, tok)
		switch {
		case err != nil:
			return "", err
		case *answer.Code == 0:
			return answer.Data.Tenant.Name, nil
		case again && fetcher.FeishuRejectsToken(*answer.Code) &&
			!errors.Is(s.tokens.Invalidate(ctx, tok), tokencache.ErrCoolDown):
			continue
		}
		return "", fmt.Errorf("tenant query: %s (code %d)", answer.Msg, *answer.Code)
	}
}

type answer struct {
	Code *int // never nil in one that query returns
	Msg  string
	Data struct{ Tenant struct{ Name string } }
}

// query calls the business API. A refusal with a code comes with HTTP 400 or
// 200, so the code decides; without one it was not Feishu that answered.
func (s *service) query(ctx context.Context, tok tokencache.Token) (a answer, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.baseURL+"/open-apis/tenant/v2/tenant/query", nil)
	if err != nil {
		return a, err
	}
	req.Header.Set("Authorization", "Bearer "+tok.TenantAccessToken())
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	err = json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&a)
	if err != nil || a.Code == nil {
		return a, fmt.Errorf("tenant query: HTTP %d, and no answer of Feishu's: check FEISHU_BASE_URL", res.StatusCode)
	}
	return a, nil
}
