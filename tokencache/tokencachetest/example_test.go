package tokencachetest_test

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// In these examples test(...) stands for the test of your own that has the t:
//
//	func TestHello(t *testing.T) { ... }
//
// test runs it as go test would, but says nothing unless it fails.
func test(f func(t *testing.T)) {
	for name, value := range map[string]string{"test.v": "false", "test.run": "", "test.skip": ""} {
		set := flag.Lookup(name).Value
		before := set.String()
		_ = set.Set(value)
		defer func() { _ = set.Set(before) }()
	}
	every := func(string, string) (bool, error) { return true, nil }
	var once sync.Once // whatever -count and -cpu say
	testing.RunTests(every, []testing.InternalTest{{Name: "Example", F: func(t *testing.T) { once.Do(func() { f(t) }) }}})
}

// Service is what is tested: it calls somebody with the token.
type Service struct {
	Source *tokencache.Source
	URL    string
}

// Hello returns what the other side said.
func (s *Service) Hello(r *http.Request) (string, error) {
	tok, err := s.Source.Get(r.Context())
	if err != nil {
		return "", err
	}
	r.Header.Set("Authorization", "Bearer "+tok.TenantAccessToken())
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// A service's own test.
func Example() {
	test(func(t *testing.T) {
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, "hello ", r.Header.Get("Authorization"))
		}))
		defer api.Close()

		fetcher := tokencachetest.NewFetcher("cli_test")
		service := &Service{Source: tokencachetest.New(t).Source(fetcher)}

		r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, api.URL, nil)
		fmt.Println(service.Hello(r))
		fmt.Println(fetcher.Calls(), "call")
	})
	// Output:
	// hello Bearer cli_test-tenant-1 <nil>
	// 1 call
}

// A token is revoked before its time.
func ExampleFetcher_Rotate() {
	test(func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			fetcher := tokencachetest.NewFetcher("cli_test")
			source := tokencachetest.New(t).Source(fetcher)

			tok, err := source.Get(t.Context())
			fmt.Println(tok.AppAccessToken(), err)

			time.Sleep(time.Minute)
			fetcher.Rotate()                                 // the issuer has another, ...
			fmt.Println(source.Invalidate(t.Context(), tok)) // ... and somebody refused this one

			tok, err = source.Get(t.Context())
			fmt.Println(tok.AppAccessToken(), err)
		})
	})
	// Output:
	// cli_test-app-1 <nil>
	// <nil>
	// cli_test-app-2 <nil>
}

// The issuer refuses. A service should pass the advice on to its operators.
func ExampleFetcher_Fail() {
	test(func(t *testing.T) {
		fetcher := tokencachetest.NewFetcher("cli_test")
		fetcher.Fail(&tokencache.IssuerError{
			Issuer: "feishu", Code: 10014, Message: "app secret invalid",
			Class: tokencache.ClassPermanent, Advice: "check the secret",
		})
		source := tokencachetest.New(t).Source(fetcher)

		_, err := source.Get(t.Context())
		var refused *tokencache.IssuerError
		fmt.Println(errors.As(err, &refused), err)

		_, _ = source.Get(t.Context())
		fmt.Println(fetcher.Calls(), "call: a permanent refusal is not asked for again so soon")
	})
	// Output:
	// true feishu refused: app secret invalid (code 10014): check the secret
	// 1 call: a permanent refusal is not asked for again so soon
}

// In a bubble two hours pass at once.
func Example_bubble() {
	test(func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			fetcher := tokencachetest.NewFetcher("cli_test")
			source := tokencachetest.New(t).Source(fetcher)

			for range 3 {
				tok, err := source.Get(t.Context())
				fmt.Println(tok.AppAccessToken(), err, time.Until(tok.Expiry()))
				time.Sleep(2 * time.Hour)
			}
		})
	})
	// Output:
	// cli_test-app-1 <nil> 2h0m0s
	// cli_test-app-2 <nil> 2h0m0s
	// cli_test-app-3 <nil> 2h0m0s
}
