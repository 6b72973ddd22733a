// Command webservice is a service of some size on onetoken. GET / tells the
// name of the tenant, which a business API of Feishu is asked for; the token,
// and what to do when it is rejected, are the http.Client's business. GET
// /healthz and /readyz are for who runs it. Its README.md says how to try it.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/examples/internal/embedded"
	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/redisurl"
	"github.com/onetoken-go/onetoken/tokencache"
)

const (
	apiTimeout  = 10 * time.Second // of one call, its wait for a token and a second try included
	longestStop = 20 * time.Second // for requests under way; containers are mostly killed after 30 s
	maxFile     = 64 << 10         // of the secret
	fileTimeout = 10 * time.Second // to read it
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	err := embedded.Feishu(os.Getenv, func(getenv func(string) string) error {
		return run(ctx, getenv)
	})
	if err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, getenv func(string) string) error {
	s, err := newService(ctx, getenv)
	if err != nil {
		return err
	}
	defer s.close()
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", cmp.Or(getenv("LISTEN"), "127.0.0.1:8081"))
	if err != nil {
		return err
	}
	log.Printf("listening on http://%s", listener.Addr())
	return s.serve(ctx, listener)
}

// service answers requests. One Cache, one Source and one http.Client serve all
// of them.
type service struct {
	rdb     redis.UniversalClient
	cache   *tokencache.Cache
	tokens  *tokencache.Source
	api     *http.Client // sends the token along, to the host of baseURL alone
	baseURL string
}

func newService(ctx context.Context, getenv func(string) string) (*service, error) {
	target, err := redisurl.Parse(cmp.Or(getenv("REDIS_URL"), redisurl.Local))
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL %w", err)
	}
	secret, variable, err := readSecret(ctx, getenv)
	if err != nil {
		return nil, err
	}
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: getenv("FEISHU_APP_ID"), AppSecret: tokencache.NewSecret(secret), BaseURL: getenv("FEISHU_BASE_URL")})
	if err != nil {
		return nil, fmt.Errorf("FEISHU_APP_ID, %s or FEISHU_BASE_URL: %w", variable, err)
	}
	s := &service{rdb: target.NewClient(), baseURL: feishu.BaseURL()}
	if s.cache, err = tokencache.New(s.rdb, tokencache.Config{Prefix: getenv("ONETOKEN_PREFIX")}); err != nil {
		return nil, fmt.Errorf("ONETOKEN_PREFIX: %w", err)
	}
	s.tokens = s.cache.Source(feishu)
	transport, err := bearer.New(bearer.Config{Source: s.tokens, Hosts: []string{feishu.Origin()}})
	if err != nil {
		return nil, fmt.Errorf("FEISHU_BASE_URL: %w", err)
	}
	s.api = &http.Client{Transport: transport, Timeout: apiTimeout}
	return s, nil
}

// readSecret prefers a file, as containers have it, and says which variable it took. Errors do
// not name the file: it may be the secret itself, in the wrong variable. It is read once.
func readSecret(ctx context.Context, getenv func(string) string) (secret, variable string, err error) {
	secret, file := getenv("FEISHU_APP_SECRET"), getenv("FEISHU_APP_SECRET_FILE")
	switch {
	case file == "":
		return secret, "FEISHU_APP_SECRET", nil
	case secret != "":
		return "", "", errors.New("FEISHU_APP_SECRET and FEISHU_APP_SECRET_FILE are both set: keep one")
	}
	text, err := readFile(ctx, file)
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	if err != nil {
		return "", "", fmt.Errorf("FEISHU_APP_SECRET_FILE cannot be read: %w", err)
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"), "FEISHU_APP_SECRET_FILE", nil
}

// readFile leaves the read behind after fileTimeout: the name of a pipe that nobody writes to may be
// there by mistake, and even to open it takes for ever.
func readFile(ctx context.Context, name string) (text []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, fileTimeout)
	defer cancel()
	read := make(chan struct{})
	var late struct {
		text []byte
		err  error
	}
	go func() {
		defer close(read)
		late.text, late.err = readBounded(name)
	}()
	select {
	case <-read:
		return late.text, late.err
	case <-ctx.Done():
		return nil, errors.New("it did not end in time: is it a pipe that nobody writes to?")
	}
}

// readBounded takes no more than maxFile: the name of a log, or of a device, may be there as well.
func readBounded(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // only read
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("it is larger than %d KiB", maxFile>>10)
	}
	return text, err
}

// close lets a call to the issuer that was begun end, then drops Redis.
func (s *service) close() {
	_ = s.cache.Close()
	_ = s.rdb.Close()
}

// serve answers until ctx ends, and then lets the requests under way end. All
// the while the token is kept fresh, so that no request waits for one.
func (s *service) serve(ctx context.Context, listener net.Listener) error {
	ctx, stop := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer stop()
	background.Go(func() { _ = s.cache.Run(ctx) }) // its troubles are those of Get

	server := &http.Server{Handler: s.routes(), ReadHeaderTimeout: apiTimeout}
	background.Go(func() {
		<-ctx.Done()
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), longestStop)
		defer cancel()
		if err := server.Shutdown(patience); err != nil {
			log.Print("requests are cut off: ", err)
		}
	})
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.tenant)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintln(w, "alive") })
	mux.HandleFunc("GET /readyz", s.ready)
	return mux
}

// ready costs nothing: it looks whether a token is at hand.
func (s *service) ready(w http.ResponseWriter, _ *http.Request) {
	if _, ok := s.tokens.Peek(); !ok {
		http.Error(w, "no token yet", http.StatusServiceUnavailable)
		return
	}
	_, _ = fmt.Fprintln(w, "ready")
}

func (s *service) tenant(w http.ResponseWriter, r *http.Request) {
	name, err := s.tenantName(r.Context())
	if err != nil {
		log.Print(err)
		http.Error(w, "Feishu cannot be asked now", http.StatusBadGateway)
		return
	}
	_, _ = fmt.Fprintln(w, name)
}

// tenantName calls the business API, and knows nothing of tokens.
func (s *service) tenantName(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.baseURL+"/open-apis/tenant/v2/tenant/query", nil)
	if err != nil {
		return "", err
	}
	res, err := s.api.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	var answer struct {
		Code *int
		Msg  string
		Data struct{ Tenant struct{ Name string } }
	}
	err = json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&answer)
	switch {
	case err != nil || answer.Code == nil:
		return "", fmt.Errorf("tenant query: HTTP %d, and no answer of Feishu's: check FEISHU_BASE_URL", res.StatusCode)
	case *answer.Code != 0:
		return "", fmt.Errorf("tenant query: %s (code %d)", answer.Msg, *answer.Code)
	}
	return answer.Data.Tenant.Name, nil
}
