package fetcher_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/tokencache"
)

// A Fetcher of one's own, for an issuer that is nobody's: docs/fetcher.md explains it line by line.
func Example_ownFetcher() {
	issuer := httptest.NewServer(http.HandlerFunc(acme))
	defer issuer.Close()
	cache, closeAll := exampleCache()
	defer closeAll()
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // it would carry the secret along
	}

	for _, secret := range []string{"right-secret", "wrong-secret"} {
		acme, err := newAcme(client, issuer.URL, "app-1", tokencache.NewSecret(secret))
		if err != nil {
			panic(err)
		}
		tok, err := cache.Source(acme).Get(context.Background())
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(tok.AccessToken())
	}
	// Output:
	// token-of-app-1
	// acme answered: no token (HTTP 401): check id and secret in acme's console
}

// newAcme makes a Fetcher of tokens for the app id at an issuer's URL.
func newAcme(client *http.Client, at, id string, secret tokencache.Secret) (tokencache.Fetcher, error) {
	credential, err := tokencache.NewCredential(tokencache.CredentialConfig{
		Issuer: "acme", App: id, Public: []string{at}, Secret: []tokencache.Secret{secret},
	})
	if err != nil {
		return nil, err
	}
	return tokencache.FetchFunc(credential, func(ctx context.Context) (tokencache.Token, error) {
		form := url.Values{"id": {id}, "secret": {secret.Reveal()}}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(form.Encode()))
		if err != nil {
			return tokencache.Token{}, err
		}
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		resp, err := client.Do(req)
		if err != nil {
			return tokencache.Token{}, &tokencache.IssuerError{Issuer: "acme", Message: "no answer", Local: true, Err: err}
		}
		defer func() { _ = resp.Body.Close() }()
		var answer struct {
			Token     string `json:"token"`
			ExpiresIn int    `json:"expires_in"` // seconds
		}
		err = json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&answer)
		if err != nil || resp.StatusCode != http.StatusOK || answer.Token == "" {
			return tokencache.Token{}, refusal(resp.StatusCode)
		}
		return tokencache.NewToken(answer.Token, "", time.Duration(answer.ExpiresIn)*time.Second), nil
	}), nil
}

// refusal says by its class how long the fleet waits before it asks again.
func refusal(status int) error {
	e := &tokencache.IssuerError{Issuer: "acme", Message: "no token", Status: status, Class: tokencache.ClassUnknown}
	switch {
	case status == http.StatusUnauthorized:
		e.Class, e.Advice = tokencache.ClassPermanent, "check id and secret in acme's console"
	case status == http.StatusTooManyRequests:
		e.Class = tokencache.ClassRateLimited
	case status >= 500 || status == http.StatusOK:
		e.Class = tokencache.ClassTransient
	}
	return e
}

// acme is the issuer.
func acme(w http.ResponseWriter, r *http.Request) {
	if r.PostFormValue("secret") != "right-secret" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, _ = fmt.Fprintf(w, `{"token":"token-of-%s","expires_in":3600}`, r.PostFormValue("id"))
}

// exampleCache is a Cache on a Redis inside the process.
func exampleCache() (cache *tokencache.Cache, closeAll func()) {
	server := miniredis.NewMiniRedis()
	err := server.Start()
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true})
	cache, err2 := tokencache.New(rdb, tokencache.Config{})
	if err := cmp.Or(err, err2); err != nil {
		panic(err)
	}
	return cache, func() {
		_ = cache.Close()
		_ = rdb.Close()
		server.Close()
	}
}
