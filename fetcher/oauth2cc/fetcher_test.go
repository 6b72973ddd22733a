package oauth2cc_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/oauth2cc"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestRequest(t *testing.T) {
	c := config(nil)
	c.Scopes, c.Audience = []string{"write", "read", "write"}, "https://api.example/"
	c.Resources = []string{"https://b.example", "https://a.example", "https://b.example"}
	c.Params = map[string]string{"token_format": "opaque", "empty": ""}
	r, form := sent(t, c)
	assert.Equal(t, http.MethodPost, r.Method)
	assert.Equal(t, tokenURL, r.URL.String())
	assert.Equal(t, "application/x-www-form-urlencoded", r.Header.Get("Content-Type"))
	assert.Equal(t, "application/json", r.Header.Get("Accept"))
	assert.Equal(t, url.Values{
		"grant_type": {"client_credentials"}, "scope": {"read write"}, "audience": {"https://api.example/"},
		"resource": {"https://a.example", "https://b.example"}, "token_format": {"opaque"}, "empty": {""},
	}, form)
}

func TestNothingIsSentThatIsNotSet(t *testing.T) {
	_, form := sent(t, config(nil))
	assert.Equal(t, url.Values{"grant_type": {"client_credentials"}}, form)
}

// A query of the token URL is kept, and is no part of the body: RFC 6749, section 3.2.
func TestQueryOfTheTokenURL(t *testing.T) {
	c := config(nil)
	c.TokenURL = "https://login.example.com/token/?p=policy%201&x"
	r, form := sent(t, c)
	assert.Equal(t, "/token/?p=policy%201&x", r.URL.RequestURI())
	assert.NotContains(t, form, "p")
	assert.Equal(t, "https://login.example.com/token/", newFetcher(t, c).TokenURL())
}

// Id and secret go out in one way and never in both, whatever characters they have.
func TestSecretGoesOutRight(t *testing.T) {
	for _, id := range []string{clientID, "a:b%c+d e&f=ü", "https://client.example/id"} {
		for _, secret := range []string{secret, "plain-secret", "per%cent", "pl+us", "co:lon", "a space", "ü-ключ-秘密", "%2B%25", `quo"te\`, "a&b=c;d", "~!*'()"} {
			c := config(nil)
			c.ClientID, c.ClientSecret = id, tokencache.NewSecret(secret)
			r, form := sent(t, c)
			user, password, ok := r.BasicAuth()
			require.True(t, ok)
			for got, want := range map[string]string{user: id, password: secret} {
				decoded, err := url.QueryUnescape(got)
				require.NoError(t, err)
				assert.Equal(t, want, decoded)
			}
			assert.NotContains(t, form, "client_id")
			assert.NotContains(t, form, "client_secret")

			c.Auth = oauth2cc.Body
			r, form = sent(t, c)
			assert.Empty(t, r.Header.Get("Authorization"))
			assert.Equal(t, []string{id}, form["client_id"])
			assert.Equal(t, []string{secret}, form["client_secret"])
		}
	}
}

// The vector of RFC 6749, section 2.3.1.
func TestBasicOfTheStandard(t *testing.T) {
	c := config(nil)
	c.ClientID, c.ClientSecret = "s6BhdRkqt3", tokencache.NewSecret("7Fjfp0ZBr1KtDRbnfVdmIw")
	r, _ := sent(t, c)
	assert.Equal(t, "Basic czZCaGRSa3F0Mzo3RmpmcDBaQnIxS3REUmJuZlZkbUl3", r.Header.Get("Authorization"))
}

func TestBySocket(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != "client-1" || password != url.QueryEscape(secret) || r.PostFormValue("grant_type") != "client_credentials" {
			w.WriteHeader(401)
			return
		}
		_, _ = io.WriteString(w, goodAnswer)
	}))
	defer server.Close()
	c := config(nil)
	c.TokenURL = server.URL + "/token"
	tok, err := newFetcher(t, c).Fetch(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "token-1", tok.AccessToken())

	server.Close()
	e := fetchError(t, c)
	require.ErrorIs(t, e, syscall.ECONNREFUSED)
	assert.Equal(t, transient, e.Class)
	assert.True(t, e.Local)
	assert.Contains(t, e.Advice, "check the token URL, the proxy and the firewall")
	assert.Empty(t, oauth2cc.ErrorCode(e))
}

func TestRedirectIsNotFollowed(t *testing.T) {
	var followed atomic.Bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Store(true) }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		server := httptest.NewServer(http.RedirectHandler(elsewhere.URL, status))
		c := config(nil)
		c.TokenURL = server.URL
		e := fetchError(t, c)
		server.Close()
		assert.Equal(t, status, e.Status)
		assert.Equal(t, permanent, e.Class)
		assert.Equal(t, "a redirect", e.Message)
		assert.Contains(t, e.Advice, "see whether the token URL has to begin with https://")
		assert.NotContains(t, e.Error(), elsewhere.URL)
	}
	assert.False(t, followed.Load())
}

// An answer that takes for ever ends with the ctx, or with the call's own time, and nothing is left.
func TestSlowAnswers(t *testing.T) {
	for edge, c := range map[string]struct {
		transport http.RoundTripper
		message   string
		status    int
	}{
		"no answer": {roundTrip(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}), "no answer before the call was ended", 0},
		"a slow body": {roundTrip(func(r *http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: &trickle{r.Context()}}, nil
		}), "not in full before the call was ended", 200},
	} {
		t.Run(edge, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFetcher(t, config(c.transport))
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				began := time.Now()
				e := fetchErrorOf(ctx, t, f)
				require.ErrorIs(t, e, context.DeadlineExceeded)
				assert.Equal(t, 3*time.Second, time.Since(began))
				assert.Equal(t, c.message, e.Message)
				assert.Equal(t, c.status, e.Status)
				assert.Equal(t, transient, e.Class)

				began = time.Now()
				e = fetchErrorOf(t.Context(), t, f)
				assert.Equal(t, 30*time.Second, time.Since(began))
				assert.NotErrorIs(t, e, context.DeadlineExceeded, "the caller's ctx has not ended")
				if c.status == 0 {
					require.ErrorIs(t, e, os.ErrDeadlineExceeded)
				}
				synctest.Wait()
			})
		})
	}
}

// trickle gives a byte a second.
type trickle struct{ ctx context.Context }

func (b *trickle) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		p[0] = '{'
		return 1, nil
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	}
}

func (b *trickle) Close() error { return nil }

// A body of any size costs no more than its bound.
func TestBodyIsBounded(t *testing.T) {
	read := 0
	e := fetchError(t, config(roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(readerFunc(func(p []byte) (int, error) {
			read += len(p)
			return copy(p, bytes.Repeat([]byte("{"), len(p))), nil
		}))}, nil
	})))
	assert.Equal(t, "more than 64 KiB", e.Message)
	assert.LessOrEqual(t, read, 128<<10)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// None of the ways in which values end up in a log shows the secret.
func TestSecretDoesNotPrint(t *testing.T) {
	c := config(nil)
	f := newFetcher(t, c)
	for _, v := range []any{f, *f, c, &c, struct{ C oauth2cc.Config }{c}, struct{ f *oauth2cc.Fetcher }{f}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%p", "%w"} {
			assertNoSecret(t, fmt.Sprintf(verb, v))
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("text", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "v", v)
		assertNoSecret(t, log.String())
		text, err := json.Marshal(v)
		require.NoError(t, err)
		assertNoSecret(t, string(text))
	}
	assert.Equal(t, "oauth2 client client-1", f.String())
	var rec recorder
	assert.Equal(&rec, f, newFetcher(t, config(answering(200, nil, ""))))
	require.NotEmpty(t, rec.said)
	assertNoSecret(t, rec.said)
}

type recorder struct{ said string }

func (r *recorder) Errorf(format string, args ...any) { r.said += fmt.Sprintf(format, args...) }

func TestUnencryptedIsWarnedAbout(t *testing.T) {
	for tokenURL, warned := range map[string]bool{
		tokenURL: false, "http://127.0.0.1:8080/token": false, "http://gw.example/token?key=hunter2": true,
	} {
		var log bytes.Buffer
		c := config(nil)
		c.TokenURL, c.Logger = tokenURL, slog.New(slog.NewTextHandler(&log, nil))
		assert.Equal(t, warned, newFetcher(t, c).Unencrypted(), tokenURL)
		assert.Equal(t, warned, log.Len() > 0)
		assertNoSecret(t, log.String())
		assert.NotContains(t, log.String(), "hunter2")
	}
}

// What the caller changes afterwards changes nothing: the credential has been made.
func TestConfigIsCopied(t *testing.T) {
	c := config(nil)
	c.Scopes, c.Resources, c.Params = []string{"a"}, []string{"https://a.example"}, map[string]string{"p": "1"}
	var form url.Values
	c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		_ = r.ParseForm()
		form = r.PostForm
		return answering(200, nil, goodAnswer).RoundTrip(r)
	})
	f := newFetcher(t, c)
	c.Scopes[0], c.Resources[0], c.Params["p"] = "b", "https://b.example", "2"
	_, err := f.Fetch(t.Context())
	require.NoError(t, err)
	assert.Equal(t, url.Values{"grant_type": {"client_credentials"}, "scope": {"a"}, "resource": {"https://a.example"}, "p": {"1"}}, form)
}

// Errors of others are not of this package.
func TestErrorCodeOfOthers(t *testing.T) {
	for _, err := range []error{
		nil, io.EOF, (*tokencache.IssuerError)(nil),
		&tokencache.IssuerError{Issuer: "feishu", Status: 401, Message: "invalid_client: x"},
		&tokencache.IssuerError{Issuer: "oauth2", Message: "invalid_client: x"},
	} {
		assert.Empty(t, oauth2cc.ErrorCode(err))
		assert.False(t, oauth2cc.RejectsSecret(err))
	}
	met := fmt.Errorf("wrapped: %w", &tokencache.IssuerError{Issuer: "oauth2", Status: 401, Message: "invalid_client: x"})
	assert.Equal(t, "invalid_client", oauth2cc.ErrorCode(met))
	assert.True(t, oauth2cc.RejectsSecret(met))
}
