package oauth2cc_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/fetcher/oauth2cc"
	"github.com/onetoken-go/onetoken/tokencache"
)

// A fleet shares one token of an OAuth 2 server.
func Example() {
	login := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println("asked for", r.PostFormValue("scope"))
		fmt.Fprint(w, `{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"Bearer","expires_in":3600}`)
	}))
	defer login.Close()
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
		TokenURL:     login.URL + "/oauth2/token", // https://login.example.com/oauth2/token
		ClientID:     "client-1",
		ClientSecret: tokencache.NewSecret("a secret"), // from the environment, or a file
		Scopes:       []string{"orders.read", "orders.write"},
	})
	if err != nil {
		panic(err)
	}
	tokens := cache.Source(client) // once; then share it

	for range 3 {
		tok, err := tokens.Get(context.Background())
		if err != nil {
			panic(err)
		}
		fmt.Println("Bearer", tok.AccessToken(), "for", time.Until(tok.Expiry()).Round(time.Minute))
	}
	// Output:
	// asked for orders.read orders.write
	// Bearer 2YotnFZFEjr1zCsicMWpAA for 1h0m0s
	// Bearer 2YotnFZFEjr1zCsicMWpAA for 1h0m0s
	// Bearer 2YotnFZFEjr1zCsicMWpAA for 1h0m0s
}

// What to branch on when the server refuses.
func ExampleErrorCode() {
	login := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"invalid_client","error_description":"the secret has expired"}`)
	}))
	defer login.Close()
	client, err := oauth2cc.New(oauth2cc.Config{TokenURL: login.URL, ClientID: "client-1", ClientSecret: tokencache.NewSecret("an old one")})
	if err != nil {
		panic(err)
	}
	_, err = client.Fetch(context.Background())
	if refused, ok := errors.AsType[*tokencache.IssuerError](err); ok {
		fmt.Println(refused.Class, oauth2cc.ErrorCode(err), refused.Status)
		fmt.Println(refused.Message)
	}
	// Output:
	// permanent invalid_client 401
	// invalid_client: the secret has expired
}
