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
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/examples/internal/embedded"
	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/redisurl"
	"github.com/onetoken-go/onetoken/tokencache"
)

const (
	listenOn       = "127.0.0.1:8080"
	requestTimeout = 10 * time.Second // of one request, its wait for a token included
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := embedded.Feishu(os.Getenv, func(getenv func(string) string) error {
		return run(ctx, getenv, listenOn)
	})
	if err != nil {
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
	rdb     redis.UniversalClient
	cache   *tokencache.Cache
	tokens  *tokencache.Source
	baseURL string
}

func newService(getenv func(string) string) (*service, error) {
	target, err := redisurl.Parse(cmp.Or(getenv("REDIS_URL"), redisurl.Local))
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL %w", err)
	}
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{
		AppID: getenv("FEISHU_APP_ID"), AppSecret: tokencache.NewSecret(getenv("FEISHU_APP_SECRET")), BaseURL: getenv("FEISHU_BASE_URL"),
	})
	if err != nil {
		return nil, fmt.Errorf("FEISHU_APP_ID, FEISHU_APP_SECRET or FEISHU_BASE_URL: %w", err)
	}
	s := &service{rdb: target.NewClient(), baseURL: feishu.BaseURL()}
	if s.cache, err = tokencache.New(s.rdb, tokencache.Config{}); err != nil {
		return nil, err
	}
	s.tokens = s.cache.Source(feishu)
	return s, nil
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
