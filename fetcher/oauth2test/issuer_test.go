package oauth2test_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
)

// It mints at every call, and all live until their own end.
func TestLives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := oauth2test.New(oauth2test.Config{Life: time.Minute + 900*time.Millisecond})
		first := granted(t, issuer)
		assert.Equal(t, "60", first.ExpiresIn.String(), "whole seconds")
		time.Sleep(40 * time.Second)
		second := granted(t, issuer)
		assert.NotEqual(t, first.Token, second.Token)
		assert.Equal(t, 20*time.Second, issuer.Remaining(first.Token))
		time.Sleep(20*time.Second - time.Nanosecond)
		assert.True(t, issuer.Valid(first.Token))
		time.Sleep(time.Nanosecond)
		assert.False(t, issuer.Valid(first.Token))
		assert.True(t, issuer.Valid(second.Token))
		assert.False(t, issuer.Valid("at-unheard-of"))

		issuer.SetLife(5 * time.Second)
		third := granted(t, issuer)
		assert.Equal(t, "5", third.ExpiresIn.String())
		issuer.SetLife(0)
		assert.Equal(t, "1", granted(t, issuer).ExpiresIn.String())
		require.Len(t, issuer.Tokens(), 4)
		assert.Equal(t, oauth2test.Stats{Calls: 4, Minted: 4}, issuer.Stats())
	})
}

func TestRevoke(t *testing.T) {
	issuer := oauth2test.New(oauth2test.Config{})
	a := granted(t, issuer)
	assert.True(t, issuer.Revoke(a.Token))
	assert.False(t, issuer.Revoke(a.Token))
	assert.False(t, issuer.Revoke("at-unheard-of"))
	assert.False(t, issuer.Valid(a.Token))
	assert.False(t, issuer.Tokens()[0].Revoked.IsZero())
	assert.True(t, issuer.Valid(granted(t, issuer).Token))
}

func TestSetSecret(t *testing.T) {
	issuer := oauth2test.New(oauth2test.Config{})
	a := granted(t, issuer)
	old := newCall(t.Context(), t, issuer)
	assert.True(t, issuer.SetSecret("test-client", "fresh"))
	assert.False(t, issuer.SetSecret("who", "fresh"))
	assert.Equal(t, "fresh", issuer.ClientSecret())
	resp, refused := doer(issuer.RoundTripper().RoundTrip).ask(t, old)
	assert.Equal(t, 401, resp.StatusCode)
	assert.Equal(t, "invalid_client", refused.Error)
	assert.True(t, issuer.Valid(a.Token), "tokens stay valid")
	assert.NotEmpty(t, granted(t, issuer).Token)
}

func TestSetLatency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := oauth2test.New(oauth2test.Config{})
		issuer.SetLatency(3 * time.Second)
		begin := time.Now()
		granted(t, issuer)
		assert.Equal(t, 3*time.Second, time.Since(begin))
	})
}

func ExampleNew() {
	issuer := oauth2test.New(oauth2test.Config{})
	client := &http.Client{Transport: issuer.RoundTripper()}

	req, err := http.NewRequest(http.MethodPost, "https://issuer.test"+oauth2test.TokenPath, strings.NewReader("grant_type=client_credentials"))
	if err != nil {
		panic(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(issuer.ClientID(), issuer.ClientSecret())
	resp, err := client.Do(req)
	if err != nil {
		panic(err)
	}
	defer func() { _ = resp.Body.Close() }()
	fmt.Println(resp.Status, issuer.Stats())
	// Output: 200 OK {1 1 0}
}
