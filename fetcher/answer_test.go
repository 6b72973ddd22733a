package fetcher_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestAnswerAccepted(t *testing.T) {
	for _, c := range []struct {
		edge, body  string
		app, tenant string
		life        time.Duration
	}{
		{"as documented", goodAnswer, "a-1", "t-1", 2 * time.Hour},
		{"no tenant token", `{"code":0,"app_access_token":"a-1","expire":1800}`, "a-1", "", 30 * time.Minute},
		{"null tenant token", `{"code":0,"app_access_token":"a-1","expire":1800,"tenant_access_token":null}`, "a-1", "", 30 * time.Minute},
		{"1 s", `{"code":0,"app_access_token":"a-1","expire":1}`, "a-1", "", time.Second},
		{"a minute above 2 h", `{"code":0,"app_access_token":"a-1","expire":7260}`, "a-1", "", 121 * time.Minute},
		{"unknown fields", `{"code":0,"app_access_token":"a-1","expire":60,"new":{"x":[1]}}`, "a-1", "", time.Minute},
		{"blanks around", " \r\n" + `{"code":0,"app_access_token":"a-1","expire":60}` + "\n", "a-1", "", time.Minute},
		{"longest token", `{"code":0,"app_access_token":"` + strings.Repeat("x", 8<<10) + `","expire":60}`, strings.Repeat("x", 8<<10), "", time.Minute},
	} {
		t.Run(c.edge, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tok, err := newFeishu(t, answering(200, nil, c.body)).Fetch(t.Context())
				require.NoError(t, err)
				assert.Equal(t, c.app, tok.AppAccessToken())
				assert.Equal(t, c.tenant, tok.TenantAccessToken())
				assert.Equal(t, c.life, time.Until(tok.Expiry()))
			})
		})
	}
}

// The status never decides against a token that is there.
func TestTokenAtAnyStatus(t *testing.T) {
	for _, status := range []int{200, 201, 400, 429, 500} {
		_, err := newFeishu(t, answering(status, nil, goodAnswer)).Fetch(t.Context())
		assert.NoError(t, err, "HTTP %d", status)
	}
}

func TestAnswerUnusable(t *testing.T) {
	const marker = "hunter2" // stands for whatever else may be in a body
	for _, c := range []struct {
		edge, body, message string
		class               tokencache.Class // transient: its own, by the code
	}{
		{"empty", "", "is empty", unknown},
		{"blanks", " \n", "is empty", unknown},
		{"HTML", "<html>" + marker, "HTML", unknown},
		{"text", marker, "not JSON", unknown},
		{"cut short", `{"code":0,"app_access_token":"` + marker, "not JSON", unknown},
		{"trailing garbage", goodAnswer + marker, "not JSON", unknown},
		{"two answers", goodAnswer + goodAnswer, "not JSON", unknown},
		{"null", "null", "no code", unknown},
		{"empty object", "{}", "no code", unknown},
		{"list", `["` + marker + `"]`, "not an object", unknown},
		{"string", `"` + marker + `"`, "not an object", unknown},
		{"code is a string", `{"code":"0"}`, "code is of a wrong type", unknown},
		{"code is huge", `{"code":1e99}`, "code is of a wrong type or out of range", unknown},
		{"token is an object", `{"code":0,"app_access_token":{"v":"` + marker + `"},"expire":60}`, "app_access_token is of a wrong type", transient},
		{"token missing", `{"code":0,"expire":60}`, "no app_access_token", transient},
		{"token only for the tenant", `{"code":0,"expire":60,"tenant_access_token":"` + marker + `"}`, "no app_access_token", transient},
		{"token empty", `{"code":0,"app_access_token":"","expire":60}`, "no app_access_token", transient},
		{"token with a newline", `{"code":0,"app_access_token":"a\r\n` + marker + `","expire":60}`, "app_access_token is too long, or has characters", transient},
		{"token with a NUL", `{"code":0,"app_access_token":"a\u0000` + marker + `","expire":60}`, "app_access_token is too long, or has characters", transient},
		{"token with a space", `{"code":0,"app_access_token":"a ` + marker + `","expire":60}`, "app_access_token is too long, or has characters", transient},
		{"token over 8 KiB", `{"code":0,"app_access_token":"` + strings.Repeat("x", 8<<10+1) + `","expire":60}`, "app_access_token is too long", transient},
		{"tenant token with DEL", `{"code":0,"app_access_token":"a","tenant_access_token":"\u007f","expire":60}`, "tenant_access_token is too long, or has characters", transient},
		{"expire missing", `{"code":0,"app_access_token":"a-1"}`, "no expire", transient},
		{"expire 0", `{"code":0,"app_access_token":"a-1","expire":0}`, "expire of 0 s", transient},
		{"expire negative", `{"code":0,"app_access_token":"a-1","expire":-1}`, "expire of -1 s", transient},
		{"expire 1 s too long", `{"code":0,"app_access_token":"a-1","expire":7261}`, "expire of 7261 s", transient},
		{"expire overflows a duration", `{"code":0,"app_access_token":"a-1","expire":9223372037}`, "expire of 9223372037 s", transient},
		{"expire is the largest integer", `{"code":0,"app_access_token":"a-1","expire":9223372036854775807}`, "expire of 9223372036854775807 s", transient},
		{"expire overflows", `{"code":0,"app_access_token":"a-1","expire":9223372036854775808}`, "expire is of a wrong type or out of range", transient},
		{"expire 1e300", `{"code":0,"app_access_token":"a-1","expire":1e300}`, "expire is of a wrong type or out of range", transient},
		{"expire is a string", `{"code":0,"app_access_token":"a-1","expire":"7200"}`, "expire is of a wrong type", transient},
		{"expire is a fraction", `{"code":0,"app_access_token":"a-1","expire":7199.5}`, "expire is of a wrong type", transient},
		{"over 64 KiB", strings.Repeat(" ", 64<<10) + goodAnswer, "more than 64 KiB", unknown},
	} {
		t.Run(c.edge, func(t *testing.T) {
			e := fetchError(t, answering(200, http.Header{"X-Tt-Logid": {"log-1"}}, c.body))
			assert.Contains(t, e.Message, c.message)
			assert.NotContains(t, e.Error(), marker)
			assert.Equal(t, c.class, e.Class)
			assert.Equal(t, 200, e.Status)
			assert.Equal(t, "log-1", e.LogID)
			assert.Zero(t, e.Code)
			assert.False(t, e.Local)
		})
	}
}

// A field of a wrong type does not hide the code of a refusal.
func TestCodeNextToRubbish(t *testing.T) {
	e := fetchError(t, answering(200, nil, `{"expire":"none","code":10014,"app_access_token":[],"msg":"app secret invalid"}`))
	assert.Equal(t, 10014, e.Code)
	assert.Equal(t, tokencache.ClassPermanent, e.Class)
}

// Some gateways put a byte order mark before what they send. One is no part of the answer.
func TestByteOrderMarks(t *testing.T) {
	const mark = "\xef\xbb\xbf"
	utf16 := func(mark, s string, first, second int) string {
		for _, r := range s {
			pair := [2]byte{}
			pair[first], pair[second] = 0, byte(r)
			mark += string(pair[:])
		}
		return mark
	}
	tok, err := newFeishu(t, answering(200, nil, mark+goodAnswer)).Fetch(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "a-1", tok.AppAccessToken())

	for _, c := range []struct {
		edge, body, message string
		code                int
		class               tokencache.Class
	}{
		{"a refusal", mark + `{"code":10014,"msg":"app secret invalid"}`, "app secret invalid", 10014, tokencache.ClassPermanent},
		{"blanks after the mark", mark + "\n " + `{"code":10014,"msg":"app secret invalid"}`, "app secret invalid", 10014, tokencache.ClassPermanent},
		{"HTML", mark + "<html>", "a page of HTML", 0, tokencache.ClassUnknown},
		{"nothing else", mark, "nothing, the body is empty", 0, tokencache.ClassUnknown},
		{"half a mark", mark[:2], "something that is not JSON", 0, tokencache.ClassUnknown},
		{"two marks", mark + mark + goodAnswer, "something that is not JSON", 0, tokencache.ClassUnknown},
		{"a mark later on", " " + mark + goodAnswer, "something that is not JSON", 0, tokencache.ClassUnknown},
		{"UTF-16, little end first", utf16("\xff\xfe", goodAnswer, 1, 0), "text in UTF-16", 0, tokencache.ClassUnknown},
		{"UTF-16, big end first", utf16("\xfe\xff", goodAnswer, 0, 1), "text in UTF-16", 0, tokencache.ClassUnknown},
		{"UTF-16, little, no mark", utf16("", goodAnswer, 1, 0), "text in UTF-16", 0, tokencache.ClassUnknown},
		{"UTF-16, big, no mark", utf16("", goodAnswer, 0, 1), "text in UTF-16", 0, tokencache.ClassUnknown},
		{"zeros", "\x00\x00\x00", "something that is not JSON", 0, tokencache.ClassUnknown},
	} {
		t.Run(c.edge, func(t *testing.T) {
			e := fetchError(t, answering(200, nil, c.body))
			assert.Contains(t, e.Message, c.message)
			assert.Equal(t, c.code, e.Code)
			assert.Equal(t, c.class, e.Class)
			assert.NotContains(t, e.Error(), "a-1")
		})
	}
}

func TestLookalikeFaults(t *testing.T) {
	for _, c := range []struct {
		fault  feishutest.Fault
		class  tokencache.Class
		status int
		local  bool
	}{
		{feishutest.Status(500), tokencache.ClassTransient, 500, false},
		{feishutest.Status(503), tokencache.ClassTransient, 503, false},
		{feishutest.HTML(), tokencache.ClassUnknown, 200, false},
		{feishutest.EmptyBody(), tokencache.ClassUnknown, 200, false},
		{feishutest.WrongShape(), tokencache.ClassUnknown, 200, false},
		{feishutest.EmptyToken(), tokencache.ClassTransient, 200, false},
		{feishutest.Expire("0"), tokencache.ClassTransient, 200, false},
		{feishutest.Expire(`"7200"`), tokencache.ClassTransient, 200, false},
		{feishutest.EndlessBody(), tokencache.ClassUnknown, 200, false},
		{feishutest.BrokenBody(), tokencache.ClassTransient, 200, false},
		{feishutest.SlowBody(time.Second), tokencache.ClassTransient, 200, false},
		{feishutest.Reset(), tokencache.ClassTransient, 0, true},
		{feishutest.LostReply(), tokencache.ClassTransient, 0, true},
		{feishutest.Timeout(), tokencache.ClassTransient, 0, true},
		{feishutest.WrongSecret(), tokencache.ClassPermanent, 200, false},
		{feishutest.RateLimited("", ""), tokencache.ClassRateLimited, 429, false},
		{feishutest.Redirect("https://elsewhere.example/"), tokencache.ClassPermanent, 307, false},
	} {
		t.Run(c.fault.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				issuer := newIssuer()
				issuer.SetFault(c.fault)
				e := fetchError(t, issuer.RoundTripper())
				assert.Equal(t, c.class, e.Class)
				assert.Equal(t, c.status, e.Status)
				assert.Equal(t, c.local, e.Local)
				assert.Equal(t, c.status != 0, e.LogID != "")
				assert.Len(t, issuer.Calls(), 1, "one attempt")
			})
		})
	}
}

func TestContextEndsInTheBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuer := newIssuer()
		issuer.SetFault(feishutest.SlowBody(time.Second))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		e := fetchErrorOf(ctx, t, newFeishu(t, issuer.RoundTripper()))
		require.ErrorIs(t, e, context.DeadlineExceeded)
		assert.Equal(t, 200, e.Status)
		assert.False(t, e.Local, "the issuer was there")
		assert.Contains(t, e.Advice, "check the base URL, the proxy and the firewall")
	})
}

// Whatever the size and shape of what somebody sends, the error is a line that fits a log.
func TestTextsFromOutsideAreBounded(t *testing.T) {
	const mega = 5 << 20
	refusal := func(msg string) string { return `{"code":10014,"msg":"` + msg + `"}` }
	for _, c := range []struct {
		edge, body string
		header     http.Header
		status     int
		message    string // begins
	}{
		{"a message of 5 MB", refusal(strings.Repeat("长", mega/3)), nil, 200, "feishu answered: more than 64 KiB"},
		{"a message of 60 KiB", refusal(strings.Repeat("x", 60<<10)), nil, 200, "xxxx"},
		{"a message of secrets", refusal(strings.Repeat("S3cr3t<of>Th3&App/+=", 3000)), nil, 200, "******"},
		{"no UTF-8", refusal("a\xff\xfeb"), nil, 200, "a\ufffd\ufffdb"},
		{"half a surrogate", refusal(`a\ud800`), nil, 200, "a\ufffd"},
		{"control characters", refusal(`\u001b[31mred\r\nForged: line\u2028\u202e`), nil, 200, "[31mred"},
		{"blanks alone", refusal(` \n\u0000\u200b `), nil, 200, "app id or app secret is wrong"},
		{"a page of 5 MB", strings.Repeat("<", mega), nil, 502, "feishu answered: more than 64 KiB"},
		{"a log id of 5 MB", "", http.Header{"X-Tt-Logid": {strings.Repeat("x\r\n\xff", mega/4)}}, 500, "feishu answered: nothing"},
		{"a request id of 5 MB", "", http.Header{"X-Request-Id": {strings.Repeat("é1", mega/3)}}, 500, "feishu answered: nothing"},
		{"waits of 5 MB", "", http.Header{"Retry-After": {strings.Repeat("1", mega)}, "Date": {strings.Repeat("D", mega)}}, 429, "feishu answered: nothing"},
		{"a status nobody knows", refusal("x"), nil, 1 << 30, "x"},
	} {
		t.Run(c.edge, func(t *testing.T) {
			e := fetchError(t, answering(c.status, c.header, c.body))
			said := e.Message
			if e.Code == 0 {
				said = "feishu answered: " + said
			}
			assert.True(t, strings.HasPrefix(said, c.message), "%.100q", said)
			assert.LessOrEqual(t, utf8.RuneCountInString(e.Message), 200)
			assert.LessOrEqual(t, len(e.LogID), 128)
			assert.LessOrEqual(t, e.RetryAfter, time.Hour)
			for _, text := range []string{e.Message, e.LogID, e.Advice, e.Error()} {
				assert.LessOrEqual(t, len(text), 2<<10)
				assert.Equal(t, -1, strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }), "%q", text)
				assert.True(t, utf8.ValidString(text))
				assertNoSecret(t, text)
			}
		})
	}
}

// FuzzAnswer: whatever is sent, there is a token fit for use or a classed error
// of bounded size that neither quotes the secret nor breaks a line.
func FuzzAnswer(f *testing.F) {
	for _, body := range []string{
		goodAnswer, "", "null", "<html>", `{"code":10014,"msg":"` + secret + `"}`, `{"code":0,"app_access_token":"a","expire":1e300}`,
		`{"code":99991400,"msg":"\u0000\ud800"}`, `{"CODE":0,"code":7}`, "\xff\xfe", "\xef\xbb\xbf" + goodAnswer, strings.Repeat("[", 20000),
	} {
		for _, status := range []int{200, 307, 400, 404, 429, 503} {
			f.Add(status, []byte(body), "2024", "1")
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte, logID, wait string) {
		header := http.Header{"X-Tt-Logid": {logID}, "X-Ogw-Ratelimit-Reset": {wait}}
		tok, err := newFeishu(t, answering(status, header, string(body))).Fetch(t.Context())
		if err == nil {
			assertFitForUse(t, tok)
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
		assert.NotContains(t, fmt.Sprintf("%s %+v %#v", e, *e, *e), secret)
	})
}

// A body of any size costs no more than its bound.
func TestBodyIsBounded(t *testing.T) {
	read := 0
	f := newFeishu(t, roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 500, Header: http.Header{}, Body: io.NopCloser(readerFunc(func(p []byte) (int, error) {
			read += len(p)
			return len(p), nil
		}))}, nil
	}))
	e := fetchErrorOf(t.Context(), t, f)
	assert.Equal(t, 500, e.Status)
	assert.LessOrEqual(t, read, 128<<10)
}

func assertFitForUse(t testing.TB, tok tokencache.Token) {
	t.Helper()
	assert.NotEmpty(t, tok.AppAccessToken())
	for _, s := range []string{tok.AppAccessToken(), tok.TenantAccessToken()} {
		assert.LessOrEqual(t, len(s), 8<<10)
		assert.Equal(t, -1, strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7f }))
	}
	life := time.Until(tok.Expiry())
	assert.True(t, life > 0 && life <= 121*time.Minute)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Beyond the MaxLife of the config a life is as odd as one beyond 2 h is without it.
func TestMaxLife(t *testing.T) {
	for maxLife, want := range map[time.Duration]string{
		2 * time.Hour: "", 24 * time.Hour: "", 7199 * time.Second: "expire of 7200 s, outside of 1 to 7199", 7200*time.Second - 1: "expire of 7200 s, outside of 1 to 7199",
	} {
		f, err := fetcher.NewFeishu(fetcher.FeishuConfig{
			AppID: appID, AppSecret: tokencache.NewSecret(secret), MaxLife: maxLife, Transport: answering(200, nil, goodAnswer),
		})
		require.NoError(t, err)
		assert.Equal(t, maxLife, f.Credential().MaxLife())
		if want != "" {
			e := fetchErrorOf(t.Context(), t, f)
			assert.Equal(t, want, e.Message)
			assert.Equal(t, transient, e.Class)
			continue
		}
		tok, err := f.Fetch(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "a-1", tok.AppAccessToken())
	}
}
