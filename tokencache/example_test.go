package tokencache_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/tokencache"
)

// An issuer that this module does not know.
func ExampleFetchFunc() {
	credential, err := tokencache.NewCredential(tokencache.CredentialConfig{
		Issuer: "example", App: "app-1", Public: []string{"https://issuer.example"},
		Secret: []tokencache.Secret{tokencache.NewSecret("example-secret")},
	})
	if err != nil {
		panic(err)
	}
	fetcher := tokencache.FetchFunc(credential, func(context.Context) (tokencache.Token, error) {
		return tokencache.NewToken("token-of-app-1", "", time.Hour), nil // from an answer of the issuer
	})

	cache, closeAll := exampleCache()
	defer closeAll()
	tok, err := cache.Source(fetcher).Get(context.Background())
	fmt.Println(tok.AccessToken(), err)
	// Output: token-of-app-1 <nil>
}

// An API has refused a token whose life is not over.
func ExampleSource_Invalidate() {
	cache, closeAll := exampleCache()
	defer closeAll()
	tokens := cache.Source(exampleFetcher())
	tok, err := tokens.Get(context.Background())
	fmt.Println(tok.AccessToken(), err)

	tok, err = another(context.Background(), tokens, tok)
	fmt.Println(tok.AccessToken(), err)
	// Output:
	// token-1 <nil>
	// token-2 <nil>
}

// another returns the token that follows tok, which an API has refused.
func another(ctx context.Context, tokens *tokencache.Source, tok tokencache.Token) (tokencache.Token, error) {
	if err := tokens.Invalidate(ctx, tok); err != nil && !errors.Is(err, tokencache.ErrRedis) {
		return tok, err // with ErrRedis the others hear of it later
	}
	return tokens.Get(ctx) // another one: try once more with it
}

// exampleFetcher mints a token at every call.
func exampleFetcher() tokencache.Fetcher {
	credential, err := tokencache.NewCredential(tokencache.CredentialConfig{
		Issuer: "example", App: "app-1", Secret: []tokencache.Secret{tokencache.NewSecret("example-secret")},
	})
	if err != nil {
		panic(err)
	}
	calls := 0
	return tokencache.FetchFunc(credential, func(context.Context) (tokencache.Token, error) {
		calls++
		return tokencache.NewToken(fmt.Sprintf("token-%d", calls), "", time.Hour), nil
	})
}

// exampleCache is a Cache on a Redis inside the process.
func exampleCache() (cache *tokencache.Cache, closeAll func()) {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		panic(err)
	}
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true})
	cache, err := tokencache.New(rdb, tokencache.Config{})
	if err != nil {
		panic(err)
	}
	return cache, func() {
		_ = cache.Close()
		_ = rdb.Close()
		server.Close()
	}
}
