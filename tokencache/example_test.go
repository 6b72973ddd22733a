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

// One Cache for the process, and in it a Source for each credential. Get comes from memory, once there is a token.
func Example() {
	server := miniredis.NewMiniRedis() // a Redis inside the process; yours is elsewhere
	if err := server.Start(); err != nil {
		panic(err)
	}
	defer server.Close()
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true})
	defer rdb.Close()
	cache, err := tokencache.New(rdb, tokencache.Config{})
	if err != nil {
		panic(err)
	}
	defer cache.Close() // before rdb
	tokens := cache.Source(exampleFetcher())

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for range 2 {
		tok, err := tokens.Get(ctx)
		fmt.Println(tok.AccessToken(), err)
	}
	tok, err := tokens.Get(ctx)
	fmt.Println(tok, err) // the fingerprint: nothing prints a token
	// Output:
	// token-1 <nil>
	// token-1 <nil>
	// token(d275dac3) <nil>
}

// Run keeps the tokens of all Sources fresh, so that no Get has to.
func ExampleCache_Run() {
	cache, closeAll := exampleCache()
	defer closeAll()
	tokens := cache.Source(exampleFetcher())

	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- cache.Run(ctx) }()

	tok, err := tokens.Get(ctx)
	fmt.Println(tok.AccessToken(), err)
	stop()
	fmt.Println(<-ended)
	// Output:
	// token-1 <nil>
	// <nil>
}

// An IssuerError says what the issuer said, and whether a person has to act.
func ExampleIssuerError() {
	credential, err := tokencache.NewCredential(tokencache.CredentialConfig{
		Issuer: "example", App: "app-1", Secret: []tokencache.Secret{tokencache.NewSecret("a-wrong-secret")},
	})
	if err != nil {
		panic(err)
	}
	cache, closeAll := exampleCache()
	defer closeAll()
	tokens := cache.Source(tokencache.FetchFunc(credential, func(context.Context) (tokencache.Token, error) {
		return tokencache.Token{}, &tokencache.IssuerError{
			Issuer: "example", Status: 401, Message: "wrong secret", Class: tokencache.ClassPermanent, Advice: "check the app's secret",
		}
	}))

	_, err = tokens.Get(context.Background())
	if refusal, ok := errors.AsType[*tokencache.IssuerError](err); ok {
		fmt.Println(refusal.Message)
		fmt.Println(refusal.Class.NeedsPerson(), refusal.Advice)
	}
	// Output:
	// wrong secret
	// true check the app's secret
}

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
