package oauth2cc_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
)

func TestAnswerAccepted(t *testing.T) {
	longest := strings.Repeat("x", 8<<10)
	for _, c := range []struct {
		edge, body, token string
		life              time.Duration
	}{
		{"as documented", goodAnswer, "token-1", time.Hour},
		{"bearer in lower case", `{"access_token":"a","token_type":"bearer","expires_in":60}`, "a", time.Minute},
		{"BEARER", `{"access_token":"a","token_type":"BEARER","expires_in":60}`, "a", time.Minute},
		{"no type", `{"access_token":"a","expires_in":60}`, "a", time.Minute},
		{"a type of null", `{"access_token":"a","token_type":null,"expires_in":60}`, "a", time.Minute},
		{"an empty type", `{"access_token":"a","token_type":"","expires_in":60}`, "a", time.Minute},
		{"a number in a string", `{"access_token":"a","expires_in":"3599"}`, "a", 3599 * time.Second},
		{"with blanks in it", `{"access_token":"a","expires_in":" 3599 "}`, "a", 3599 * time.Second},
		{"a fraction is cut", `{"access_token":"a","expires_in":59.999}`, "a", 59 * time.Second},
		{"an exponent", `{"access_token":"a","expires_in":3.6e3}`, "a", time.Hour},
		{"1 s", `{"access_token":"a","expires_in":1}`, "a", time.Second},
		{"30 days", `{"access_token":"a","expires_in":2592000}`, "a", 30 * 24 * time.Hour},
		{"an error of null", `{"access_token":"a","expires_in":60,"error":null,"errorCode":null}`, "a", time.Minute},
		{"an empty error", `{"access_token":"a","expires_in":60,"error":""}`, "a", time.Minute},
		{"a message", `{"access_token":"a","expires_in":60,"message":{"x":1}}`, "a", time.Minute},
		{"unknown fields, twice", `{"x":1,"access_token":"a","x":[{"access_token":"b"}],"expires_in":60}`, "a", time.Minute},
		{"names in another case are others", `{"Access_Token":"b","access_token":"a","EXPIRES_IN":1,"expires_in":60}`, "a", time.Minute},
		{"a byte order mark, and blanks", "\xef\xbb\xbf \r\n" + `{"access_token":"a","expires_in":60}` + "\n", "a", time.Minute},
		{"the longest token", `{"access_token":"` + longest + `","expires_in":60}`, longest, time.Minute},
	} {
		t.Run(c.edge, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for _, status := range []int{200, 201} {
					tok, err := newFetcher(t, config(answering(status, nil, c.body))).Fetch(t.Context())
					require.NoError(t, err)
					assert.Equal(t, c.token, tok.AccessToken())
					assert.Empty(t, tok.TenantAccessToken())
					assert.Equal(t, c.life, time.Until(tok.Expiry()))
				}
			})
		})
	}
}

// Without expires_in, and with 0 or less, which stands for no end, the life is the configured one, if
// there is one; what the server says goes first.
func TestLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for body, want := range map[string]time.Duration{
			`{"access_token":"a"}`:                       20 * time.Minute,
			`{"access_token":"a","expires_in":null}`:     20 * time.Minute,
			`{"access_token":"a","expires_in":0}`:        20 * time.Minute,
			`{"access_token":"a","expires_in":"0"}`:      20 * time.Minute,
			`{"access_token":"a","expires_in":-1}`:       20 * time.Minute,
			`{"access_token":"a","expires_in":60}`:       time.Minute,
			`{"access_token":"a","token_type":"bearer"}`: 20 * time.Minute,
		} {
			c := config(answering(200, nil, body))
			c.Life = 20 * time.Minute
			tok, err := newFetcher(t, c).Fetch(t.Context())
			require.NoError(t, err)
			assert.Equal(t, want, time.Until(tok.Expiry()))
		}
	})
	for _, body := range []string{`{"access_token":"a"}`, `{"access_token":"a","expires_in":null}`} {
		e := fetchError(t, config(answering(200, nil, body)))
		assert.Equal(t, permanent, e.Class)
		assert.Equal(t, "no expires_in, and no Life is configured", e.Message)
		assert.Contains(t, e.Advice, "set Life")
	}
}

// Asking again would mint one more token that is thrown away: a person has to act, and hears how.
func TestAdviceOnUnusableTokens(t *testing.T) {
	for body, advice := range map[string]string{
		`{"access_token":"a"}`:                                                    "set Life to how long",
		`{"access_token":"a","expires_in":0}`:                                     "set Life to how long",
		`{"access_token":"a","expires_in":-1}`:                                    "set Life to how long",
		`{"access_token":"a","expires_in":0.5}`:                                   "have the server give this client tokens that live longer",
		`{"access_token":"a","expires_in":"soon"}`:                                "have the server state expires_in in seconds",
		`{"access_token":"a","expires_in":[]}`:                                    "have the server state expires_in in seconds",
		`{"access_token":"a","expires_in":1e99}`:                                  "raise MaxLife",
		`{"access_token":"` + strings.Repeat("x", 8<<10+1) + `","expires_in":60}`: "have the server give this client a token of 8 KiB at most",
		`{"access_token":7,"expires_in":60}`:                                      "have the server give this client a token of 8 KiB at most",
	} {
		e := fetchError(t, config(answering(200, nil, body)))
		assert.Equal(t, permanent, e.Class, e.Message)
		assert.Contains(t, e.Advice, advice, e.Message)
	}
	c := config(answering(200, nil, `{"access_token":"a","expires_in":"soon"}`))
	c.Life = time.Hour
	assert.Equal(t, permanent, fetchError(t, c).Class, "the server says something, but what?")
	c = config(answering(200, nil, `{"access_token":"a","expires_in":0.5}`))
	c.Life = time.Hour
	assert.Equal(t, "expires_in of 0.5 s, below 1", fetchError(t, c).Message)
}

func TestAnswerUnusable(t *testing.T) {
	const marker = "hunter2" // stands for whatever else may be in a body
	for _, c := range []struct {
		edge, body, message string
		class               tokencache.Class
	}{
		{"empty", "", "nothing, the body is empty", unknown},
		{"HTML", "<html>" + marker, "a page of HTML", unknown},
		{"text", marker, "not JSON", unknown},
		{"a form", "access_token=" + marker + "&expires_in=60", "not JSON", unknown},
		{"cut short", `{"access_token":"` + marker, "not JSON", unknown},
		{"cut before the end", `{"access_token":"` + marker + `","expires_in":60`, "not JSON", unknown},
		{"cut in a name", `{"access_token":"` + marker + `","expi`, "not JSON", unknown},
		{"trailing garbage", goodAnswer + marker, "not JSON", unknown},
		{"two answers", goodAnswer + goodAnswer, "not JSON", unknown},
		{"a comma too many", `{"access_token":"a","expires_in":60,}`, "not JSON", unknown},
		{"a name that is no string", `{1:2}`, "not JSON", unknown},
		{"null", "null", "not an object", unknown},
		{"list", `["` + marker + `"]`, "not an object", unknown},
		{"half a list", `["` + marker, "not JSON", unknown},
		{"string", `"` + marker + `"`, "not an object", unknown},
		{"deep", strings.Repeat("[", 20000), "not JSON", unknown},
		{"deep in a field", `{"x":` + strings.Repeat("[", 20000), "not JSON", unknown},
		{"UTF-16", "{\x00}\x00", "UTF-16", unknown},
		{"empty object", "{}", "no access_token", unknown},
		{"token twice", `{"access_token":"` + marker + `","access_token":"b","expires_in":60}`, "JSON that has access_token twice", unknown},
		{"token twice, the same", `{"access_token":"a","access_token":"a","expires_in":60}`, "JSON that has access_token twice", unknown},
		{"token twice, escaped", `{"access_token":"a","access\u005ftoken":"b","expires_in":60}`, "JSON that has access_token twice", unknown},
		{"life twice", `{"access_token":"a","expires_in":60,"expires_in":3600}`, "JSON that has expires_in twice", unknown},
		{"error twice", `{"error":"invalid_client","error":"server_error"}`, "JSON that has error twice", unknown},
		{"token is an object", `{"access_token":{"v":"` + marker + `"},"expires_in":60}`, "access_token is of a wrong type", permanent},
		{"token is a number", `{"access_token":7,"expires_in":60}`, "access_token is of a wrong type", permanent},
		{"token of null", `{"access_token":null,"expires_in":60}`, "no access_token", unknown},
		{"token empty", `{"access_token":"","expires_in":60}`, "no access_token", unknown},
		{"token with a newline", `{"access_token":"a\r\n` + marker + `","expires_in":60}`, "access_token is too long, or has characters", permanent},
		{"token with a space", `{"access_token":"a ` + marker + `","expires_in":60}`, "access_token is too long, or has characters", permanent},
		{"token with a NUL", `{"access_token":"a\u0000","expires_in":60}`, "access_token is too long, or has characters", permanent},
		{"token over 8 KiB", `{"access_token":"` + strings.Repeat("x", 8<<10+1) + `","expires_in":60}`, "access_token is too long", permanent},
		{"a token of DPoP", `{"access_token":"` + marker + `","token_type":"DPoP","expires_in":60}`, `a token of type "DPoP", not bearer`, permanent},
		{"a token of MAC", `{"access_token":"a","token_type":"mac","expires_in":60}`, `a token of type "mac", not bearer`, permanent},
		{"N_A", `{"access_token":"a","token_type":"N_A","expires_in":60}`, "not bearer", permanent},
		{"a long type", `{"access_token":"a","token_type":"` + strings.Repeat("x", 5000) + `","expires_in":60}`, `a token of type "` + strings.Repeat("x", 31) + `…", not bearer`, permanent},
		{"a type that is the token", `{"access_token":"` + marker + `","token_type":"` + marker + `","expires_in":60}`, "not bearer", permanent},
		{"a type of a wrong type", `{"access_token":"a","token_type":["bearer"],"expires_in":60}`, "token_type is of a wrong type", permanent},
		{"life 0", `{"access_token":"a","expires_in":0}`, "expires_in of 0 s, and no Life is configured", permanent},
		{"life below 1", `{"access_token":"a","expires_in":0.999}`, "expires_in of 0.999 s, below 1", permanent},
		{"life negative", `{"access_token":"a","expires_in":-1}`, "expires_in of -1 s, and no Life is configured", permanent},
		{"life negative, in a string", `{"access_token":"a","expires_in":"-1"}`, "expires_in of -1 s", permanent},
		{"life too long by a second", `{"access_token":"a","expires_in":2592001}`, "expires_in of 2592001 s, above the MaxLife of 720h0m0s", permanent},
		{"life overflows a duration", `{"access_token":"a","expires_in":9223372037}`, "expires_in of 9223372037 s, above", permanent},
		{"life 1e300", `{"access_token":"a","expires_in":1e300}`, "expires_in of 1e+300 s, above", permanent},
		{"life beyond a float", `{"access_token":"a","expires_in":1e999}`, "expires_in is of a wrong type or out of range", permanent},
		{"an epoch", `{"access_token":"a","expires_in":1777863811}`, "above the MaxLife", permanent},
		{"life is empty", `{"access_token":"a","expires_in":""}`, "expires_in is of a wrong type", permanent},
		{"life is a word", `{"access_token":"a","expires_in":"` + marker + `"}`, "expires_in is of a wrong type", permanent},
		{"life is NaN", `{"access_token":"a","expires_in":"NaN"}`, "expires_in is of a wrong type", permanent},
		{"life is Inf", `{"access_token":"a","expires_in":"Inf"}`, "expires_in is of a wrong type", permanent},
		{"life in hex", `{"access_token":"a","expires_in":"0x10"}`, "expires_in is of a wrong type", permanent},
		{"life with a _", `{"access_token":"a","expires_in":"3_600"}`, "expires_in is of a wrong type", permanent},
		{"life is true", `{"access_token":"a","expires_in":true}`, "expires_in is of a wrong type", permanent},
		{"life is an object", `{"access_token":"a","expires_in":{}}`, "expires_in is of a wrong type", permanent},
		{"error is an object", `{"error":{"code":"` + marker + `"}}`, "error is of a wrong type", unknown},
		{"error beside a token", `{"access_token":"` + marker + `","expires_in":60,"error":"server_error","error_description":"not for ` + marker + `"}`, "server_error: not for ***", transient},
		{"over 64 KiB", strings.Repeat(" ", 64<<10) + goodAnswer, "more than 64 KiB", unknown},
	} {
		t.Run(c.edge, func(t *testing.T) {
			e := fetchError(t, config(answering(200, nil, c.body)))
			assert.Contains(t, e.Message, c.message)
			assert.NotContains(t, e.Error(), marker)
			assert.Equal(t, c.class, e.Class, e.Class.String())
			assert.Equal(t, 200, e.Status)
			assert.False(t, e.Local)
		})
	}
}

// Whatever field of an answer repeats the secret or the token, and wherever that is cut: no part of it
// is left.
func TestNoPartOfASecret(t *testing.T) {
	const token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJjbGllbnQtMSJ9.c2lnbmF0dXJl"
	inJSON := func(s string) string {
		quoted, err := json.Marshal(s)
		require.NoError(t, err)
		return string(quoted)
	}
	for _, leaked := range []string{secret, url.QueryEscape(secret), token} {
		for _, before := range []int{0, 1, 10, 20, 25, 30, 50, 60, 63, 180, 195, 199} {
			text := strings.Repeat("x", before) + leaked + " Trace ID: 7"
			for _, body := range []string{
				`{"access_token":"` + token + `","token_type":` + inJSON(text) + `,"expires_in":60}`,
				`{"access_token":"` + token + `","error":` + inJSON(text) + `}`,
				`{"access_token":"` + token + `","error":"invalid_scope","error_description":` + inJSON(text) + `}`,
				`{"access_token":"` + token + `","errorCode":` + inJSON(text) + `,"errorSummary":` + inJSON(text) + `}`,
				`{"access_token":"` + token + `","expires_in":` + inJSON(text) + `}`,
			} {
				for _, status := range []int{200, 400} {
					header := http.Header{"X-Request-Id": {strings.Repeat("x", before) + leaked}}
					e := fetchError(t, config(answering(status, header, body))) // looks for parts of the secret
					assertNoPart(t, e.Message, token)
					if leaked != token { // a header comes without a token
						assertNoPart(t, e.LogID, strings.ReplaceAll(secret, " ", ""))
					}
				}
			}
		}
	}
}

// What is cut off an error of Entra may begin within a secret.
func TestNoPartOfASecretWithAnId(t *testing.T) {
	const odd = "first-half Trace ID: second-half"
	c := config(answering(400, nil, `{"error":"invalid_scope","error_description":"not for `+odd+`"}`))
	c.ClientSecret = tokencache.NewSecret(odd)
	assert.Equal(t, "invalid_scope: not for ***", fetchError(t, c).Message)
}

// A field of a wrong type does not hide the code of a refusal.
func TestCodeNextToRubbish(t *testing.T) {
	e := fetchError(t, config(answering(400, nil, `{"expires_in":{},"access_token":[],"error":"invalid_scope","error_description":7}`)))
	assert.Equal(t, "invalid_scope: a scope is unknown, malformed, or not for this client", e.Message)
	assert.Equal(t, permanent, e.Class)
}

// A MaxLife beyond the default is for those who have such tokens.
func TestMaxLife(t *testing.T) {
	c := config(answering(200, nil, `{"access_token":"a","expires_in":31536000}`))
	c.MaxLife = 366 * 24 * time.Hour
	tok, err := newFetcher(t, c).Fetch(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "a", tok.AccessToken())
	assert.Equal(t, c.MaxLife, newFetcher(t, c).Credential().MaxLife())
}
