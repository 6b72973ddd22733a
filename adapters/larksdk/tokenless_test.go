package larksdk_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/adapters/larksdk"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

const (
	missing = `{"code":99991661,"msg":"Missing access token for authorization"}`
	advice  = "lark.WithEnableTokenCache(false)"
)

// With its use of a cache switched off the SDK sends no token. The reply is the API's, and what to do
// about it is told once, however many calls there are.
func TestCacheIsSwitchedOff(t *testing.T) {
	log := new(lockedLog)
	issuer := feishutest.New(feishutest.Config{})
	w := newWorld(issuer)
	w.replies = func(*http.Request) *http.Response { return reply(http.StatusBadRequest, missing) }
	sdk := w.sdk(t, log.sdks)
	sdk.noCache = true
	var calls sync.WaitGroup
	for range 20 {
		calls.Go(func() {
			got, err := sdk.call(t.Context(), tenantCall)
			assert.NoError(t, err)
			assert.Equal(t, sdkReply{400, 99991661, missing, 1}, got)
		})
	}
	calls.Wait()
	assert.Contains(t, w.requests(), host+" /open-apis/tenant ")
	assert.Zero(t, issuer.Stats().Calls)
	assert.Equal(t, 1, strings.Count(log.String(), advice), log.String())
	assert.Contains(t, log.String(), "level=WARN")
}

// Whatever the reply, all of it arrives, and only the code for a request without a token is told of.
func TestRequestsWithoutAToken(t *testing.T) {
	long := `{"code":99991661,"msg":"` + strings.Repeat("x", 16<<10) + `"}`
	for edge, c := range map[string]struct {
		url    string
		own    string // Authorization
		status int
		body   string
		header http.Header
		length int64 // of the head
		told   bool
	}{
		"refused":                 {status: 400, body: missing, told: true},
		"of 401":                  {status: 401, body: missing, told: true},
		"a length":                {status: 400, body: missing, length: int64(len(missing)), told: true},
		"more around it":          {status: 400, body: ` {"data":{},"code":99991661} `, told: true},
		"another media type":      {status: 400, body: missing, header: http.Header{"Content-Type": {"text/html"}}},
		"compressed":              {status: 400, body: missing, header: http.Header{"Content-Encoding": {"gzip"}}},
		"of 200":                  {status: 200, body: missing},
		"another code":            {status: 400, body: `{"code":99991663,"msg":""}`},
		"within":                  {status: 400, body: `{"data":{"code":99991661},"code":1}`},
		"no JSON":                 {status: 400, body: "99991661"},
		"empty":                   {status: 400},
		"too long":                {status: 400, body: long},
		"too long, by its length": {status: 400, body: long, length: int64(len(long))},
		"a user's token":          {status: 400, body: missing, own: "Bearer u-1"},
		"no value":                {status: 400, body: missing, own: " "},
		"another host":            {url: "https://example.com/x", status: 400, body: missing},
		"by http":                 {url: "http://" + host + "/x", status: 400, body: missing},
	} {
		t.Run(edge, func(t *testing.T) {
			log := new(lockedLog)
			w := newWorld(feishutest.New(feishutest.Config{}))
			w.replies = func(*http.Request) *http.Response {
				resp := reply(c.status, c.body)
				maps.Copy(resp.Header, c.header)
				resp.Body, resp.ContentLength = io.NopCloser(iotest.OneByteReader(resp.Body)), -1
				if c.length > 0 {
					resp.ContentLength = c.length
				}
				return resp
			}
			_, client := w.adapter(t, tokencachetest.New(t), log.sdks)
			url := c.url
			if url == "" {
				url = "https://" + host + "/open-apis/x"
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
			require.NoError(t, err)
			if c.own != "" {
				req.Header.Set("Authorization", c.own)
			}
			resp, err := client.RoundTrip(req)
			require.NoError(t, err)
			assert.Same(t, req, resp.Request)
			all, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.True(t, c.body == string(all), "the reply is whole")
			assert.Equal(t, c.told, strings.Contains(log.String(), advice), log.String())
		})
	}
}

// Nobody waits for a body that takes its time, and what is not read stays unread.
func TestReplyThatTakesItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := new(lockedLog)
		out, in := io.Pipe()
		w := newWorld(feishutest.New(feishutest.Config{}))
		w.replies = func(*http.Request) *http.Response {
			resp := reply(http.StatusBadRequest, "")
			resp.Body, resp.ContentLength = out, -1
			return resp
		}
		_, client, err := larksdk.New(larksdk.Config{
			Apps:   []larksdk.App{{ID: "cli_test", Source: gives("x"), Hosts: []string{host}}},
			Base:   w,
			Logger: log.logger(),
		})
		require.NoError(t, err)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+"/open-apis/x", nil)
		require.NoError(t, err)
		resp, err := client.RoundTrip(req) // a deadlock if it read anything
		require.NoError(t, err)
		go func() { _, _ = io.WriteString(in, missing[:20]) }()
		head := make([]byte, 20)
		_, err = io.ReadFull(resp.Body, head)
		require.NoError(t, err)
		assert.Equal(t, missing[:20], string(head))
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", resp.Body, resp.Body, resp.Body), "99991661")
		require.NoError(t, resp.Body.Close())
		_, err = io.WriteString(in, missing[20:])
		require.ErrorIs(t, err, io.ErrClosedPipe)
		assert.Empty(t, log.String(), "half a reply tells nothing")
	})
}

func TestReplyWithoutATokenThatBreaksOff(t *testing.T) {
	log := new(lockedLog)
	broken := errors.New("broken")
	w := newWorld(feishutest.New(feishutest.Config{}))
	w.replies = func(*http.Request) *http.Response {
		resp := reply(http.StatusBadRequest, "")
		resp.Body, resp.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(missing), iotest.ErrReader(broken))), -1
		return resp
	}
	sdk := w.sdk(t, log.sdks)
	sdk.noCache = true
	_, err := sdk.call(t.Context(), tenantCall)
	require.ErrorIs(t, err, broken)
	assert.Empty(t, log.String())
}

// lockedLog is written by many at once.
type lockedLog struct {
	mu  sync.Mutex // guards all
	all bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

func (l *lockedLog) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

func (l *lockedLog) sdks(c *larksdk.Config) { c.Logger = l.logger() }
