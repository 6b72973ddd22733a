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
	"log"
	"net/http"
	"os"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/tokencache"
)

func main() {
	service, err := newService(os.Getenv)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", service))
}

// newService wires it up. One Cache and one Source serve all requests.
func newService(getenv func(string) string) (http.Handler, error) {
	options, err := redis.ParseURL(getenv("REDIS_URL"))
	if err != nil { // which would quote the password
		return nil, errors.New("REDIS_URL is not of the form redis://127.0.0.1:6379")
	}
	baseURL := cmp.Or(getenv("FEISHU_BASE_URL"), fetcher.FeishuURL)
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{
		AppID: getenv("FEISHU_APP_ID"), AppSecret: getenv("FEISHU_APP_SECRET"), BaseURL: baseURL,
	})
	if err != nil {
		return nil, err
	}
	cache, err := tokencache.New(redis.NewClient(options), tokencache.Config{})
	if err != nil {
		return nil, err
	}
	tokens := cache.Source(feishu)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, err := tenantName(r.Context(), tokens, baseURL)
		if err != nil {
			log.Print(err)
			http.Error(w, "Feishu cannot be asked now", http.StatusBadGateway)
			return
		}
		_, _ = fmt.Fprintln(w, name)
	}), nil
}

// tenantName calls a business API. Get is cheap: ask it for every call.
func tenantName(ctx context.Context, tokens *tokencache.Source, baseURL string) (string, error) {
	tok, err := tokens.Get(ctx)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, baseURL+"/open-apis/tenant/v2/tenant/query", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+tok.TenantAccessToken())
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close() //nolint:errcheck // only read
	var answer struct {
		Code int
		Msg  string
		Data struct{ Tenant struct{ Name string } }
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return "", err
	}
	if answer.Code == 99991663 { // rejected before its end: tell the fleet, the next request gets another
		_ = tokens.Invalidate(ctx, tok)
	}
	if answer.Code != 0 {
		return "", fmt.Errorf("tenant query: %s (code %d)", answer.Msg, answer.Code)
	}
	return answer.Data.Tenant.Name, nil
}
