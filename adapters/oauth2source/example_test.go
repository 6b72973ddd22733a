package oauth2source_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"golang.org/x/oauth2"

	"github.com/onetoken-go/onetoken/adapters/oauth2source"
	"github.com/onetoken-go/onetoken/fetcher/oauth2cc"
	"github.com/onetoken-go/onetoken/tokencache"
)

// A client of golang.org/x/oauth2 that shares its token with the fleet.
func Example() {
	login := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, `{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer","expires_in":3600}`)
	}))
	defer login.Close()
	api := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Header.Get("Authorization"))
	}))
	defer api.Close()
	store := miniredis.NewMiniRedis()
	if err := store.Start(); err != nil {
		panic(err)
	}
	defer store.Close()

	rdb := redis.NewClient(&redis.Options{Addr: store.Addr()})
	defer rdb.Close()
	cache, err := tokencache.New(rdb, tokencache.Config{})
	if err != nil {
		panic(err)
	}
	defer cache.Close()
	client, err := oauth2cc.New(oauth2cc.Config{
		TokenURL: login.URL, ClientID: "client-1", ClientSecret: tokencache.NewSecret("a secret"),
	})
	if err != nil {
		panic(err)
	}
	source, err := oauth2source.New(context.Background(), oauth2source.Config{Source: cache.Source(client)})
	if err != nil {
		panic(err)
	}
	httpClient := &http.Client{Transport: &oauth2.Transport{Source: source}} // not oauth2.NewClient, which caches again

	resp, err := httpClient.Get(api.URL)
	if err != nil {
		panic(err)
	}
	resp.Body.Close()
	fmt.Println(resp.Status)
	// Output:
	// Bearer 2YotnFZFEjr1zCsicMWpAA
	// 200 OK
}
