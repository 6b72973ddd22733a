package larksdk_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/adapters/larksdk"
	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// The two results go to the SDK:
//
//	lark.NewClient(id, secret, lark.WithTokenCache(tokenCache), lark.WithHttpClient(client))
//
// In its place the example does what the SDK does with them, for a call.
func Example() {
	store := miniredis.NewMiniRedis()
	if err := store.Start(); err != nil {
		panic(err)
	}
	defer store.Close()
	issuer := feishutest.New(feishutest.Config{})
	server := httptest.NewServer(issuer)
	defer server.Close()
	rdb := redis.NewClient(&redis.Options{Addr: store.Addr(), ContextTimeoutEnabled: true})
	defer rdb.Close()
	cache, err := tokencache.New(rdb, tokencache.Config{})
	if err != nil {
		panic(err)
	}
	defer cache.Close()
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{
		AppID: issuer.AppID(), AppSecret: tokencache.NewSecret(issuer.AppSecret()), BaseURL: server.URL,
	})
	if err != nil {
		panic(err)
	}
	tokenCache, client, err := larksdk.New(larksdk.Config{
		Apps:    []larksdk.App{{ID: issuer.AppID(), Source: cache.Source(feishu), Hosts: []string{feishu.Origin()}}},
		Timeout: 10 * time.Second,
	})
	if err != nil {
		panic(err)
	}

	ctx := context.Background()
	marker, err := tokenCache.Get(ctx, "tenant_access_token-"+issuer.AppID()+"-")
	if err != nil {
		panic(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+feishutest.QueryPath, nil)
	if err != nil {
		panic(err)
	}
	req.Header.Set("Authorization", "Bearer "+marker)
	resp, err := client.Do(req) // puts the token in the marker's place
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status, marker == issuer.Pairs()[0].Tenant)
	// Output: 200 OK false
}
