package docs

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// authorize is what README.md embeds.
func authorize(ctx context.Context, req *http.Request, redisAddr, id, secret, baseURL string) error {
	rdb := redis.NewClient(&redis.Options{Addr: redisAddr, ContextTimeoutEnabled: true})
	defer rdb.Close()
	cache, err := tokencache.New(rdb, tokencache.Config{})
	if err != nil {
		return err
	}
	defer cache.Close() // before rdb: a call under way still publishes its token
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: id, AppSecret: tokencache.NewSecret(secret), BaseURL: baseURL})
	if err != nil {
		return err
	}
	tokens := cache.Source(feishu) // once; then share it

	tok, err := tokens.Get(ctx) // at once if there is a copy; else ctx says how long to wait
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+tok.TenantAccessToken())
	return nil
}

func Example() {
	store := miniredis.NewMiniRedis()
	if err := store.Start(); err != nil {
		panic(err)
	}
	defer store.Close()
	issuer := feishutest.New(feishutest.Config{})
	server := httptest.NewServer(issuer)
	defer server.Close()

	req := httptest.NewRequest(http.MethodGet, server.URL+"/open-apis/tenant/v2/tenant/query", nil)
	req.RequestURI = "" // as for a client
	if err := authorize(context.Background(), req, store.Addr(), issuer.AppID(), issuer.AppSecret(), server.URL); err != nil {
		panic(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		panic(err)
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	// Output: 200 OK
}
