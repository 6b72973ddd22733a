package tokencache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestIssuerErrorReads(t *testing.T) {
	for _, test := range []struct {
		name string
		err  *IssuerError
		want string
	}{
		{
			"everything",
			&IssuerError{
				Issuer: "feishu", Code: 99991400, Status: 429, Message: "request trigger frequency limit",
				LogID: "20240101ABC", RetryAfter: 3 * time.Second, Advice: "wait",
			},
			"feishu refused: request trigger frequency limit (code 99991400, HTTP 429, log id 20240101ABC, retry after 3s): wait",
		},
		{
			"F30: a code at 200",
			&IssuerError{Issuer: "feishu", Code: 10014, Status: 200, Message: "app secret invalid", LogID: "l", Advice: "check FEISHU_APP_SECRET"},
			"feishu refused: app secret invalid (code 10014, log id l): check FEISHU_APP_SECRET",
		},
		{
			"without a code",
			&IssuerError{Issuer: "feishu", Status: 200, Message: "a page of HTML", Advice: "check the base URL"},
			"feishu answered: a page of HTML: check the base URL",
		},
		{"no answer", &IssuerError{Issuer: "feishu", Message: "connection refused", Local: true}, "feishu: connection refused"},
		{"nothing", &IssuerError{}, ": "},
	} {
		t.Run(test.name, func(t *testing.T) { assert.EqualError(t, test.err, test.want) })
	}
}

func TestIssuerErrorUnwraps(t *testing.T) {
	err := fmt.Errorf("get: %w", &IssuerError{Issuer: "x", Message: "slow", Err: context.DeadlineExceeded})
	assert.ErrorIs(t, err, context.DeadlineExceeded)
	var refused *IssuerError
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "x", refused.Issuer)
	assert.NoError(t, errors.Unwrap(&IssuerError{}))
}

func TestIssuerErrorOfAnything(t *testing.T) {
	cause := errors.New("lookup open.feishu.cn: no such host")
	e := issuerErrorOf(MustCredential(CredentialConfig{Issuer: "feishu"}), cause)
	assert.Equal(t, &IssuerError{Issuer: "feishu", Class: ClassTransient, Message: cause.Error(), Err: cause}, e)

	known := &IssuerError{Issuer: "other", Class: ClassPermanent}
	assert.Equal(t, known, issuerErrorOf(MustCredential(CredentialConfig{Issuer: "feishu"}), fmt.Errorf("wrapped: %w", known)))
}

// I5: a Fetcher's own error may quote a URL with a secret in it, or a whole body.
func TestI5IssuerErrorOfAForeignErrorIsBrief(t *testing.T) {
	quoting := fmt.Errorf("token: %w", &url.Error{Op: "Get", URL: "https://x/?secret=hush", Err: errors.New("EOF")})
	e := issuerErrorOf(MustCredential(CredentialConfig{Issuer: "x"}), quoting)
	assert.Equal(t, "EOF", e.Message)
	assert.ErrorIs(t, e, quoting, "the caller has it whole")

	long := issuerErrorOf(MustCredential(CredentialConfig{Issuer: "x"}), errors.New(strings.Repeat("界", 1000))).Message
	assert.Less(t, len(long), longestText+1)
	assert.True(t, utf8.ValidString(long))
}

func TestClassNamesTravel(t *testing.T) {
	for class := ClassTransient; class <= ClassPermanent; class++ {
		assert.Equal(t, class, parseClass(class.String()), class)
	}
	assert.Equal(t, "rate_limited", ClassRateLimited.String())
	assert.Equal(t, "unknown", Class(200).String())
	for _, name := range []string{"", "TRANSIENT", "of_a_later_version"} {
		assert.Equal(t, ClassUnknown, parseClass(name), "F33: %q", name)
	}
}

// Either cause has a name for errors.Is, however deep it lies, and is no more than itself in a log.
func TestErrorsBySideAndInLogs(t *testing.T) {
	refused := &IssuerError{Issuer: "feishu", Code: 10014, Status: 200, Message: "app secret invalid", LogID: "l1", Class: ClassPermanent, RetryAfter: time.Second, Local: true}
	trouble := &RedisError{Trouble: TroubleOOM, ID: "x:a:d", Err: errors.New("OOM")}
	for name, c := range map[string]struct {
		err           error
		issuer, redis bool
		logged        string
	}{
		"issuer":            {refused, true, false, `{"message":"feishu refused: app secret invalid (code 10014, log id l1, retry after 1s)","issuer":"feishu","class":"permanent","code":10014,"status":200,"log_id":"l1","retry_after_seconds":1,"local":true}`},
		"redis":             {trouble, false, true, `{"message":"redis OOM: OOM: raise maxmemory; keep the eviction policy at noeviction","trouble":"OOM","id":"x:a:d"}`},
		"both":              {fmt.Errorf("%w (%w)", refused, trouble), true, true, ""},
		"neither":           {ErrClosed, false, false, ""},
		"issuer, by itself": {&IssuerError{Issuer: "x", Message: "m"}, true, false, `{"message":"x: m","issuer":"x","class":"transient"}`},
		"nil issuer":        {(*IssuerError)(nil), true, false, `"none"`},
		"nil redis":         {(*RedisError)(nil), false, false, `"none"`},
	} {
		t.Run(name, func(t *testing.T) {
			if !isNil(c.err) {
				assert.Equal(t, c.issuer, errors.Is(c.err, ErrIssuer))
				assert.Equal(t, c.redis, errors.Is(c.err, ErrRedis))
			}
			if c.logged == "" {
				return
			}
			var b strings.Builder
			slog.New(slog.NewJSONHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
				if len(groups) == 0 && a.Key != "err" {
					return slog.Attr{}
				}
				return a
			}})).Info("x", "err", c.err)
			assert.Equal(t, `{"err":`+c.logged+"}\n", b.String())
		})
	}
}
