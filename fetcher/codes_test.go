package fetcher_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestCodes(t *testing.T) {
	for code, class := range map[int]tokencache.Class{
		10003: permanent, 10005: permanent, 10014: permanent, 10015: permanent, 10016: permanent,
		20001: permanent, 20002: permanent, 99991543: permanent,
		99991401: permanent, 99991662: permanent, 99991673: permanent,
		99991400: rateLimited, 99991403: quota,
		10012: transient, 1500: transient, 1642: transient, 1663: transient, 1668: transient,
		2200: transient, 5000: transient, 10101: transient, 10105: transient, 20050: transient, 20072: transient,
		// What only business APIs send is as unheard of here as anything else.
		99991661: unknown, 99991663: unknown, 99991664: unknown, 99991665: unknown, 99991668: unknown,
		99991671: unknown, 99991677: unknown, 1: unknown, -1: unknown, 1 << 30: unknown,
	} {
		for _, status := range []int{200, 400, 404, 500} {
			t.Run(fmt.Sprintf("%d at HTTP %d", code, status), func(t *testing.T) {
				e := fetchError(t, answering(status, nil, fmt.Sprintf(`{"code":%d}`, code)))
				assert.Equal(t, code, e.Code)
				assert.Equal(t, class, e.Class, e.Class.String())
				assert.Equal(t, code == 99991401, e.Local)
				if class == permanent || class == quota || class == unknown {
					assert.NotEmpty(t, e.Advice)
				}
			})
		}
	}
}

func TestStatusWithoutCode(t *testing.T) {
	for status, want := range map[int]struct {
		class tokencache.Class
		local bool
	}{
		200: {unknown, false},
		204: {unknown, false},
		301: {permanent, false},
		302: {permanent, false},
		307: {permanent, false},
		308: {permanent, false},
		400: {unknown, false},
		401: {unknown, false},
		403: {unknown, false},
		404: {permanent, false},
		405: {permanent, false},
		407: {unknown, true},
		408: {transient, false},
		410: {permanent, false},
		425: {transient, false},
		429: {rateLimited, false},
		500: {transient, false},
		502: {transient, false},
		503: {transient, false},
		504: {transient, false},
	} {
		for _, body := range []string{"", "404 page not found", "<html>", `{"message":"no route"}`} {
			t.Run(fmt.Sprintf("HTTP %d with %q", status, body), func(t *testing.T) {
				e := fetchError(t, answering(status, nil, body))
				assert.Equal(t, want.class, e.Class, e.Class.String())
				assert.Equal(t, want.local, e.Local)
				assert.Equal(t, status, e.Status)
				assert.Zero(t, e.Code)
				if want.class == permanent || want.class == unknown {
					assert.NotEmpty(t, e.Advice)
				}
			})
		}
	}
}

// The status 429 has its say unless a code calls for a longer wait.
func TestTooManyRequests(t *testing.T) {
	for code, class := range map[int]tokencache.Class{
		99991400: rateLimited, 1663: rateLimited, 4711: rateLimited, 99991403: quota, 10014: permanent,
	} {
		e := fetchError(t, answering(429, nil, fmt.Sprintf(`{"code":%d,"msg":"slow down"}`, code)))
		assert.Equal(t, class, e.Class, "code %d", code)
		assert.Equal(t, code, e.Code)
	}
}

// Even an answer with a token is not taken from a redirect.
func TestRedirectWithAToken(t *testing.T) {
	e := fetchError(t, answering(302, nil, goodAnswer))
	assert.Equal(t, permanent, e.Class)
	assert.Contains(t, e.Advice, "base URL")
}

func TestRedirectWithACode(t *testing.T) {
	e := fetchError(t, answering(302, nil, `{"code":10014,"msg":"app secret invalid"}`))
	assert.Equal(t, 10014, e.Code)
}

// An answer that is not Feishu's says where to look, whatever its status.
func TestAdviceOnAnAnswerWithoutACode(t *testing.T) {
	for _, body := range []string{"", "<html>", "SSH-2.0", `{"message":"no route"}`, `{"code":"0"}`, strings.Repeat("<", 65<<10)} {
		e := fetchError(t, answering(200, nil, body))
		assert.Equal(t, unknown, e.Class, "%.20s", body)
		assert.Contains(t, e.Advice, "base URL", "%.20s", body)
		assert.Contains(t, e.Error(), "feishu answered: ", "%.20s", body)
	}
}

// A life that Feishu does not give is a sign of another issuer.
func TestAdviceOnAnOddLife(t *testing.T) {
	for _, expire := range []string{"0", "7261", "10800"} {
		e := fetchError(t, answering(200, nil, `{"code":0,"app_access_token":"a-1","expire":`+expire+`}`))
		assert.Equal(t, transient, e.Class)
		assert.Contains(t, e.Advice, "check the base URL")
	}
	e := fetchError(t, answering(200, nil, `{"code":0,"expire":60}`))
	assert.Empty(t, e.Advice, "its own, and a slip")
}

func TestUnavailableWithRetryAfter(t *testing.T) {
	e := fetchError(t, answering(503, http.Header{"Retry-After": {"7"}}, ""))
	assert.Equal(t, transient, e.Class)
	assert.Equal(t, 7*time.Second, e.RetryAfter)
}

func TestRejectsToken(t *testing.T) {
	for code, want := range map[int]bool{
		99991663: true, 99991664: true, 99991665: true, 99991671: true,
		0: false, 99991661: false, 99991668: false, 99991677: false, 99991400: false, 20013: false, 20014: false,
	} {
		assert.Equal(t, want, fetcher.FeishuRejectsToken(code), "code %d", code)
	}
}

func TestRejectsSecret(t *testing.T) {
	for code, want := range map[int]bool{
		10005: true, 10014: true, 10015: true, 20001: true, 20002: true, 99991543: true,
		0: false, 10003: false, 10012: false, 99991400: false, 99991401: false, 99991663: false, 4711: false,
	} {
		assert.Equal(t, want, fetcher.FeishuRejectsSecret(code), "code %d", code)
	}
}
