package bearer

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
)

// FuzzLocation: wherever a redirect says the token, http.Client does not get to see it; and one that
// does not say it is the API's, to the letter.
func FuzzLocation(f *testing.F) {
	f.Add("/x?a=b&access_token=", "&c=d")
	f.Add("/x?access%5Ftoken=", "")
	f.Add("/login?next=https%3A%2F%2Fopen.feishu.cn%2Fx%3Faccess_token%3D", "")
	f.Add("https://evil.example/", "#x")
	f.Add("https://[/?access_token=", "")
	f.Add("?access_token=%", "%zz")
	place, token := InQuery("access_token"), "t-g104/+SECRET=="
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, spelled := range []string{token, url.QueryEscape(token), url.PathEscape(token)} {
			h := http.Header{"Location": {before + spelled + after}}
			if place.clean(h, token) == nil {
				assert.False(t, mentions(h.Get("Location"), token), h.Get("Location"))
			}
		}
		if h := (http.Header{"Location": {before + after}}); !mentions(before+after, token) {
			assert.NoError(t, place.clean(h, token))
			assert.Equal(t, before+after, h.Get("Location"))
		}
	})
}
