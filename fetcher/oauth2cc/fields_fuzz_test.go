package oauth2cc_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
)

// FuzzAnswer: whatever is sent, there is a token fit for use, and the one of which encoding/json knows,
// or a classed error of bounded size that neither quotes the secret or a token nor breaks a line.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		goodAnswer, "", "null", "<html>", `{"error":"invalid_client","error_description":"` + url.QueryEscape(secret) + `"}`,
		`{"error":"§ §","error_description":"§"}`, `{"error":"` + strings.Repeat("x", 60) + `§"}`, `{"errorCode":"‡","errorSummary":"‡ Trace ID: §"}`,
		`{"access_token":"¤","token_type":"xxxxxxxxxxxxxxxxxxxxxx¤","expires_in":60}`, `{"access_token":"¤","error":"` + strings.Repeat("x", 60) + `¤§‡"}`,
		`{"access_token":"a","expires_in":1e300}`, `{"access_token":"a","expires_in":"60","access_token":"b"}`,
		`{"error":"\u0000\ud800","error_description":"\u202e"}`, `{"ERROR":"x","errorCode":"E1","errorSummary":"y"}`, "\xff\xfe",
		"\xef\xbb\xbf" + goodAnswer, strings.Repeat("[", 20000), `{"access_token":"token","token_type":"token","error":"token"}`,
	} {
		for _, status := range []int{200, 307, 400, 401, 404, 429, 503} {
			f.Add(status, []byte(body), "r-1", "1")
			f.Add(status, []byte(body), "r-§", "‡")
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte, logID, wait string) {
		body = []byte(repeating(string(body), `\"`))
		header := http.Header{"X-Request-Id": {repeating(logID, `"`)}, "X-Ratelimit-Reset": {wait}, "Retry-After": {repeating(wait, `"`)}}
		c := config(answering(status, header, string(body)))
		c.ClientSecret = tokencache.NewSecret(fuzzSecret)
		tok, err := newFetcher(t, c).Fetch(t.Context())
		if err == nil {
			assertFitForUse(t, tok, status, body)
			return
		}
		e, ok := errors.AsType[*tokencache.IssuerError](err)
		require.True(t, ok)
		assert.True(t, tok.IsZero())
		assert.LessOrEqual(t, utf8.RuneCountInString(e.Message), 200)
		assert.NotEmpty(t, e.Message)
		assert.LessOrEqual(t, len(e.LogID), 128)
		assert.True(t, e.RetryAfter >= 0 && e.RetryAfter <= time.Hour)
		assert.Equal(t, -1, strings.IndexFunc(e.Error(), func(r rune) bool { return !unicode.IsPrint(r) }))
		said := fmt.Sprintf("%s %s %s", e, e.Message, e.LogID)
		assertNoPart(t, said, fuzzSecret)
		assertNoPart(t, said, strings.ReplaceAll(fuzzSecret, " ", ""))
		assertNoPart(t, said, url.QueryEscape(fuzzSecret))
		var text struct {
			Token string `json:"access_token"`
		}
		if json.Unmarshal(body, &text) == nil && text.Token == fuzzToken {
			assertNoPart(t, e.Message, fuzzToken)
		}
	})
}

// What the server has to repeat, as only the markers bring it: a part that fuzzing puts together by
// itself would be no leak. Neither begins with what may end an escape of JSON.
const (
	fuzzSecret = `Qz7&Wv%Kx+Jy <Lw>"Vu!Qz9`
	fuzzToken  = "QKjWv.Zy8-VuQx_TgLm~PqHr"
)

// repeating puts in place of the markers the secret, the same as in a form, and the token.
func repeating(text, quote string) string {
	return strings.NewReplacer("§", strings.ReplaceAll(fuzzSecret, `"`, quote), "‡", url.QueryEscape(fuzzSecret), "¤", fuzzToken).Replace(text)
}

func assertFitForUse(t testing.TB, tok tokencache.Token, status int, body []byte) {
	t.Helper()
	assert.True(t, status >= 200 && status < 300, "HTTP %d", status)
	access := tok.AccessToken()
	assert.NotEmpty(t, access)
	assert.LessOrEqual(t, len(access), 8<<10)
	assert.Equal(t, -1, strings.IndexFunc(access, func(r rune) bool { return r <= ' ' || r >= 0x7f }))
	life := time.Until(tok.Expiry())
	assert.True(t, life > 0 && life <= 30*24*time.Hour, "%v", life)
	var all map[string]json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(strings.TrimPrefix(string(body), "\xef\xbb\xbf")), &all))
	var same string
	require.NoError(t, json.Unmarshal(all["access_token"], &same))
	assert.Equal(t, same, access)
}
