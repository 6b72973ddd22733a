package oauth2test_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
)

func TestAPI(t *testing.T) {
	const bearer = `Bearer realm="oauth2test"`
	reach(t, oauth2test.Config{}, func(t *testing.T, issuer *oauth2test.Issuer, do doer) {
		good, dead := issuer.Mint("test-client", "read", "write"), issuer.Mint("test-client", "read")
		issuer.Revoke(dead.Value)
		for _, c := range []struct {
			edge      string
			header    string
			query     string
			status    int
			challenge string
		}{
			{"a token", "Bearer " + good.Value, "", 200, ""},
			{"the scheme in small letters", "bearer " + good.Value, "", 200, ""},
			{"a scope that it has", "Bearer " + good.Value, "?scope=write", 200, ""},
			{"no token", "", "", 401, bearer},
			{"another scheme", "Basic " + good.Value, "", 401, bearer},
			{"a scheme alone", "Bearer", "", 401, bearer},
			{"a guess", "Bearer guess", "", 401, bearer + `, error="invalid_token"`},
			{"a revoked one", "Bearer " + dead.Value, "", 401, bearer + `, error="invalid_token"`},
			{"a scope that it has not", "Bearer " + good.Value, "?scope=admin", 403, bearer + `, error="insufficient_scope", scope="admin"`},
			{"a scope that cannot be named", "Bearer " + good.Value, "?scope=%22", 403, bearer + `, error="insufficient_scope"`},
			{"a revoked one, bare", "Bearer " + dead.Value, "?bare=true", 401, ""},
			{"no token, bare", "", "?bare=true", 401, ""},
			{"a scope that it has not, never bare", "Bearer " + good.Value, "?scope=admin&bare=true", 403, bearer + `, error="insufficient_scope", scope="admin"`},
		} {
			t.Run(c.edge, func(t *testing.T) {
				req := newAPI(t, "", c.query)
				if c.header != "" {
					req.Header.Set("Authorization", c.header)
				}
				resp, body := do.text(t, req)
				assert.Equal(t, c.status, resp.StatusCode)
				assert.Equal(t, c.challenge, resp.Header.Get("WWW-Authenticate"))
				assert.NotContains(t, body, good.Value)
				assert.Equal(t, c.status == 200, strings.Contains(body, `"client_id":"test-client"`))
			})
		}
	})
}

func TestAPITakesBodies(t *testing.T) {
	reach(t, oauth2test.Config{}, func(t *testing.T, issuer *oauth2test.Issuer, do doer) {
		token := issuer.Mint("test-client").Value
		for _, c := range []struct {
			edge   string
			body   string
			status int
		}{
			{"none", "", 200},
			{"some", strings.Repeat("0123456789", 10_000), 200},
			{"32 MB", strings.Repeat("x", 32<<20), 200},
			{"a byte more", strings.Repeat("x", 32<<20+1), 413},
		} {
			t.Run(c.edge, func(t *testing.T) {
				req := newAPI(t, token, "")
				req.Method = http.MethodPut
				setBody(req, c.body)
				resp, answer := do.text(t, req)
				assert.Equal(t, c.status, resp.StatusCode)
				sum := sha256.Sum256([]byte(c.body))
				assert.Equal(t, c.status == 200, strings.Contains(answer, hex.EncodeToString(sum[:])))
			})
		}
	})
	t.Run("one that breaks off", func(t *testing.T) {
		issuer := oauth2test.New(oauth2test.Config{})
		broken := errors.New("the disk is gone")
		req := newAPI(t, issuer.Mint("test-client").Value, "")
		req.Method, req.Body = http.MethodPost, io.NopCloser(iotest.ErrReader(broken))
		resp, err := issuer.RoundTripper().RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		require.ErrorIs(t, err, broken)
	})
}

func TestTokenEndsAtTheAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := oauth2test.New(oauth2test.Config{Life: time.Minute})
		do := doer(issuer.RoundTripper().RoundTrip)
		token := granted(t, issuer).Token
		for _, status := range []int{200, 401} {
			resp, _ := do.text(t, newAPI(t, token, ""))
			assert.Equal(t, status, resp.StatusCode)
			time.Sleep(time.Minute)
		}
	})
}

func TestAPIFaults(t *testing.T) {
	issuer := oauth2test.New(oauth2test.Config{})
	do := doer(issuer.RoundTripper().RoundTrip)
	token := issuer.Mint("test-client").Value
	issuer.SetAPIFault(oauth2test.BareUnauthorized())
	issuer.FailNextAPI(1, oauth2test.Challenge(401, "invalid_token", ""))
	for _, challenge := range []string{`Bearer realm="oauth2test", error="invalid_token"`, "", ""} {
		resp, _ := do.text(t, newAPI(t, token, ""))
		assert.Equal(t, http.StatusUnauthorized, resp.StatusCode)
		assert.Equal(t, challenge, resp.Header.Get("WWW-Authenticate"))
	}
	issuer.SetAPIFault(oauth2test.Fault{})
	resp, _ := do.text(t, newAPI(t, token, ""))
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Zero(t, issuer.Stats().Refused, "the token endpoint has done nothing")
}
