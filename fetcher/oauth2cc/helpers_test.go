package oauth2cc_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/oauth2cc"
	"github.com/onetoken-go/onetoken/tokencache"
)

const (
	tokenURL = "https://login.example.com/oauth2/token"
	clientID = "client-1"
	secret   = `S3cr3t<of>%the:cli+ent& "ключ"`
)

const (
	transient   = tokencache.ClassTransient
	unknown     = tokencache.ClassUnknown
	rateLimited = tokencache.ClassRateLimited
	permanent   = tokencache.ClassPermanent
)

const goodAnswer = `{"access_token":"token-1","token_type":"Bearer","expires_in":3600}`

// config is a good one, with the transport.
func config(transport http.RoundTripper) oauth2cc.Config {
	return oauth2cc.Config{TokenURL: tokenURL, ClientID: clientID, ClientSecret: tokencache.NewSecret(secret), Transport: transport}
}

func newFetcher(t testing.TB, c oauth2cc.Config) *oauth2cc.Fetcher {
	t.Helper()
	f, err := oauth2cc.New(c)
	require.NoError(t, err)
	return f
}

// roundTrip is a transport made of a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// answering is a transport that gives one answer.
func answering(status int, header http.Header, body string) http.RoundTripper {
	return roundTrip(func(*http.Request) (*http.Response, error) {
		if header == nil {
			header = http.Header{}
		}
		return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader([]byte(body)))}, nil
	})
}

// sent is the request that a Fetcher makes, and its form.
func sent(t *testing.T, c oauth2cc.Config) (*http.Request, url.Values) {
	t.Helper()
	var got *http.Request
	var form url.Values
	c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		require.NoError(t, err)
		form, err = url.ParseQuery(string(body))
		require.NoError(t, err)
		got = r
		return answering(200, nil, goodAnswer).RoundTrip(r)
	})
	_, err := newFetcher(t, c).Fetch(t.Context())
	require.NoError(t, err)
	return got, form
}

// fetchError expects Fetch to fail, and checks what holds for every failure.
func fetchError(t testing.TB, c oauth2cc.Config) *tokencache.IssuerError {
	t.Helper()
	return fetchErrorOf(t.Context(), t, newFetcher(t, c))
}

func fetchErrorOf(ctx context.Context, t testing.TB, f *oauth2cc.Fetcher) *tokencache.IssuerError {
	t.Helper()
	tok, err := f.Fetch(ctx)
	require.Error(t, err)
	assert.True(t, tok.IsZero())
	e, ok := errors.AsType[*tokencache.IssuerError](err)
	require.True(t, ok, "not an IssuerError: %v", err)
	assert.Equal(t, "oauth2", e.Issuer)
	assert.NotEmpty(t, e.Message)
	if e.Class == permanent || e.Class == unknown {
		assert.NotEmpty(t, e.Advice, "%v", e)
	}
	assertNoSecret(t, fmt.Sprintf("%v %+v %#v %+v", err, *e, *e, e.Err))
	return e
}

// assertNoSecret looks for the secret as it may stand in what is sent, or in what repeats that.
func assertNoSecret(t testing.TB, s string) {
	t.Helper()
	quoted, err := json.Marshal(secret)
	require.NoError(t, err)
	for _, form := range []string{
		secret, url.QueryEscape(secret), url.PathEscape(secret), string(quoted[1 : len(quoted)-1]), fmt.Sprintf("%x", secret),
		base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(clientID) + ":" + url.QueryEscape(secret))),
	} {
		assertNoPart(t, s, form)
	}
}

// assertNoPart looks for any eight bytes of a secret in a row: a part of one is a gift as well.
func assertNoPart(t testing.TB, s, secret string) {
	t.Helper()
	const window = 8
	for i := range len(secret) - window + 1 {
		require.NotContains(t, s, secret[i:i+window])
	}
}
