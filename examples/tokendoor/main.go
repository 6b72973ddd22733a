// Command tokendoor shows many apps in one service, and programs in other languages that get their tokens from
// it. Copy onetoken.yaml, door.py and door.mjs; this program starts them, and plays Redis and the issuers. Its
// README.md says how to go on.
package main

import (
	"context"
	"crypto/rand"
	_ "embed"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"github.com/onetoken-go/onetoken/examples/internal/embedded"
	"github.com/onetoken-go/onetoken/examples/internal/refresher"
	"github.com/onetoken-go/onetoken/examples/internal/script"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
)

//go:embed onetoken.yaml
var config string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Stdout, func(ctx context.Context, at refresher.Place) error {
		fmt.Printf("The service is up: look at %s, run these commands again, or end it by Ctrl-C.\n", at.URL["status"])
		<-ctx.Done()
		return nil
	})
	if err != nil && ctx.Err() == nil {
		log.Fatal(err)
	}
}

// run starts the service, runs its clients, and calls then while the service is still up. Tests have it listen
// elsewhere, by pairs of an address in the file and another.
func run(ctx context.Context, out io.Writer, then func(context.Context, refresher.Place) error, listen ...string) error {
	feishu := feishutest.New(feishutest.Config{AppID: "cli_crm", AppSecret: rand.Text(), Apps: []feishutest.AppConfig{{ID: "cli_erp", Secret: rand.Text()}}})
	idp := oauth2test.New(oauth2test.Config{Clients: []oauth2test.Client{{ID: "m2m", Secret: rand.Text()}}})
	return embedded.Beside(issuers(feishu, idp), func(redisURL, issuerURL string) error {
		s := refresher.Service{
			Config: config,
			Here:   append(listen, "https://open.feishu.cn", issuerURL, "https://idp.example", issuerURL),
			Secrets: map[string]string{
				"redis": redisURL, "crm": feishu.AppSecret(), "erp": feishu.App("cli_erp").Secret(), "m2m": idp.ClientSecret(),
				"python": rand.Text(), "node": rand.Text(),
			},
			Doors: []string{"status", "tokens"},
		}
		return s.Run(ctx, func(ctx context.Context, at refresher.Place) error {
			if err := clients(ctx, out, at, issuerURL); err != nil {
				return err
			}
			_, _ = fmt.Fprintf(out, "calls of the issuers: crm %d, erp %d, m2m %d\n", feishu.App("cli_crm").Stats().Calls, feishu.App("cli_erp").Stats().Calls, idp.Stats().Calls)
			return then(ctx, at)
		})
	})
}

// issuers serves both at one address. It revokes crm's token after the first of three calls of the API, behind the
// caller's back, so that each client meets a rejection.
func issuers(feishu *feishutest.Issuer, idp *oauth2test.Issuer) http.Handler {
	var calls atomic.Int64
	mux := http.NewServeMux()
	mux.Handle("/", feishu)
	mux.Handle("/token", idp)
	mux.HandleFunc(feishutest.QueryPath, func(w http.ResponseWriter, r *http.Request) {
		feishu.ServeHTTP(w, r)
		if calls.Add(1)%3 == 1 {
			feishu.App("cli_crm").Revoke()
		}
	})
	return mux
}

// clients runs one program after the other.
func clients(ctx context.Context, out io.Writer, at refresher.Place, api string) error {
	env := func(name string) []string {
		return []string{"DOOR_URL=" + at.URL["tokens"], "DOOR_SECRET_FILE=" + filepath.Join(at.Folder, "secrets", name), "API_URL=" + api}
	}
	for _, s := range []script.Script{
		{Interpreter: "python3", File: "examples/tokendoor/door.py", Args: []string{"crm", "m2m"}, Env: env("python")},
		{Interpreter: "node", File: "examples/tokendoor/door.mjs", Args: []string{"crm", "erp"}, Env: env("node")},
	} {
		if err := s.Run(ctx, out); err != nil {
			return err
		}
	}
	return nil
}
