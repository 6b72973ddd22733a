package bearer_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// A call whose token was revoked succeeds all the same.
func Example() {
	store := miniredis.NewMiniRedis()
	if err := store.Start(); err != nil {
		panic(err)
	}
	defer store.Close()
	issuer := feishutest.New(feishutest.Config{})
	server := httptest.NewServer(issuer)
	defer server.Close()

	rdb := redis.NewClient(&redis.Options{Addr: store.Addr()})
	defer rdb.Close()
	cache, err := tokencache.New(rdb, tokencache.Config{})
	if err != nil {
		panic(err)
	}
	defer cache.Close()
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{
		AppID: issuer.AppID(), AppSecret: tokencache.NewSecret(issuer.AppSecret()), BaseURL: server.URL, // fetcher.FeishuURL
	})
	if err != nil {
		panic(err)
	}
	transport, err := bearer.New(bearer.Config{
		Source: cache.Source(feishu),
		Hosts:  []string{server.URL}, // "open.feishu.cn"
	})
	if err != nil {
		panic(err)
	}
	client := &http.Client{Transport: transport}

	for range 2 {
		resp, err := client.Get(server.URL + "/open-apis/tenant/v2/tenant/query")
		if err != nil {
			panic(err)
		}
		resp.Body.Close()
		fmt.Println(resp.Status)
		issuer.Revoke(issuer.Pairs()[0].Tenant)
	}
	fmt.Println(issuer.Stats().Calls, "calls for a token")
	// Output:
	// 200 OK
	// 200 OK
	// 2 calls for a token
}
