// Command larksdk calls an API by the official SDK for Feishu and Lark, and prints the tenant's name. The SDK
// takes its tokens from the fleet's, so that any number of processes share one, and a rejected one is replaced
// within the call. Its README.md says how to try it.
package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/onetoken-go/onetoken/adapters/larksdk"
	"github.com/onetoken-go/onetoken/examples/internal/embedded"
	lark "github.com/onetoken-go/onetoken/examples/internal/lark" // a double of github.com/larksuite/oapi-sdk-go/v3
	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/redisurl"
	"github.com/onetoken-go/onetoken/tokencache"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := embedded.Feishu(os.Getenv, func(getenv func(string) string) error {
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
	client, err := newClient(cache, getenv("FEISHU_APP_ID"), getenv("FEISHU_APP_SECRET"), getenv("FEISHU_BASE_URL"))
	if err != nil {
		return fmt.Errorf("FEISHU_APP_ID, FEISHU_APP_SECRET or FEISHU_BASE_URL: %w", err)
	}
	return printTenant(ctx, client, out)
}

// newClient makes a client of the SDK's that has its tokens from the cache.
func newClient(cache *tokencache.Cache, id, secret, baseURL string) (*lark.Client, error) {
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: id, AppSecret: tokencache.NewSecret(secret), BaseURL: baseURL})
	if err != nil {
		return nil, err
	}
	tokenCache, httpClient, err := larksdk.New(larksdk.Config{
		Apps:    []larksdk.App{{ID: id, Source: cache.Source(feishu), Hosts: []string{feishu.Origin()}}}, // any number of apps
		Timeout: 10 * time.Second,                                                                        // in place of lark.WithReqTimeout
	})
	if err != nil {
		return nil, err
	}
	return lark.NewClient(id, secret,
		lark.WithOpenBaseUrl(feishu.BaseURL()),
		lark.WithTokenCache(tokenCache),
		lark.WithHttpClient(httpClient)), nil
}

// printTenant calls the SDK as ever, and knows nothing of tokens.
func printTenant(ctx context.Context, client *lark.Client, out io.Writer) error {
	answer, err := client.Tenant.V2.Tenant.Query(ctx)
	if err != nil {
		return err
	}
	if !answer.Success() {
		return fmt.Errorf("tenant query: %s (code %d)", answer.Msg, answer.Code)
	}
	_, err = fmt.Fprintln(out, *answer.Data.Tenant.Name)
	return err
}
