package oauth2test_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
)

func TestMetadata(t *testing.T) {
	reach(t, oauth2test.Config{}, func(t *testing.T, _ *oauth2test.Issuer, do doer) {
		for _, path := range []string{oauth2test.MetadataPath, oauth2test.OpenIDPath} {
			req := newAPI(t, "", "")
			req.URL.Path = path
			resp, body := do.text(t, req)
			require.Equal(t, http.StatusOK, resp.StatusCode)
			assert.Contains(t, resp.Header.Get("Content-Type"), "application/json")
			var document struct {
				Issuer        string   `json:"issuer"`
				TokenEndpoint string   `json:"token_endpoint"`
				Methods       []string `json:"token_endpoint_auth_methods_supported"`
				Grants        []string `json:"grant_types_supported"`
				ResponseTypes []string `json:"response_types_supported"`
				Keys          string   `json:"jwks_uri"`
			}
			require.NoError(t, json.Unmarshal([]byte(body), &document))
			home := req.URL.Scheme + "://" + req.URL.Host
			assert.Equal(t, home, document.Issuer)
			assert.Equal(t, home+oauth2test.TokenPath, document.TokenEndpoint)
			assert.Equal(t, []string{"client_secret_basic", "client_secret_post"}, document.Methods)
			assert.Equal(t, []string{"client_credentials"}, document.Grants)
			assert.NotNil(t, document.ResponseTypes, "required, and empty")
			assert.Equal(t, path == oauth2test.OpenIDPath, strings.HasPrefix(document.Keys, home))
		}
		req := newAPI(t, "", "")
		req.URL.Path = oauth2test.KeysPath
		_, body := do.text(t, req)
		assert.JSONEq(t, `{"keys":[]}`, body)
	})
}
