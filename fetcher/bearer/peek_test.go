package bearer_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// answered returns what a caller gets of a reply, and how often it was sent for.
func answered(t *testing.T, resp func() *http.Response) (*http.Response, int) {
	t.Helper()
	s := newStage(t, feishutest.Config{MintEveryCall: true}, on(func(*http.Request) (*http.Response, error) { return resp(), nil }))
	got, err := s.client.Transport.RoundTrip(newRequest(t, http.MethodGet, query, nil))
	require.NoError(t, err)
	return got, len(s.sent)
}

// counter counts what was read of a body.
type counter struct {
	io.Reader
	read int
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	c.read += n
	return n, err
}

func (c *counter) Close() error { return nil }

func answeredWith(t *testing.T, body io.Reader) (*http.Response, int) {
	t.Helper()
	return answered(t, func() *http.Response {
		resp := reply(http.StatusOK, jsonType, "")
		resp.Body = io.NopCloser(body)
		return resp
	})
}

const bound = 1 << 20

func TestHugeReplyIsWholeAndBounded(t *testing.T) {
	for name, text := range map[string]string{
		"one value":    `{"data":"` + strings.Repeat("x", 2*bound) + `","code":99991663}`,
		"many values":  `{` + strings.Repeat(`"x":1,`, bound/3) + `"code":99991663}`,
		"many arrays":  `{"data":` + strings.Repeat(`[`, 2*bound),
		"spaces alone": strings.Repeat(" ", 2*bound) + rejection,
	} {
		t.Run(name, func(t *testing.T) {
			body := &counter{Reader: strings.NewReader(text)}
			resp, sent := answeredWith(t, body)
			assert.Equal(t, 1, sent)
			assert.LessOrEqual(t, body.read, bound)
			all, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.True(t, text == string(all), "a byte is lost")
		})
	}
}

func TestCodeJustWithinTheBound(t *testing.T) {
	head, tail := `{"data":"`, `","code":99991663}`
	for beyond, sent := range map[int]int{0: 2, 1: 1, 10: 1} { // that a number has ended shows by what follows
		text := head + strings.Repeat("x", bound-len(head)-len(tail)+beyond) + tail
		resp, got := answered(t, func() *http.Response { return reply(200, jsonType, text) })
		resp.Body.Close()
		assert.Equal(t, sent, got, beyond)
	}
}

func TestLongReplyIsNotHeldUp(t *testing.T) {
	for name, start := range map[string]string{
		"the code is there":     `{"code":0,"data":["`,
		"no object":             `["`,
		"no JSON":               `<html>`,
		"the object has no end": `{"msg":"ok"}{"a"`,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out, in := io.Pipe()
				go func() { _, _ = io.WriteString(in, start) }()
				resp, sent := answeredWith(t, out) // a deadlock if it read on
				assert.Equal(t, 1, sent)
				go func() { _, _ = io.WriteString(in, "more"); _ = in.Close() }()
				all, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				resp.Body.Close()
				assert.Equal(t, start+"more", string(all))
			})
		})
	}
}

func TestOtherRepliesAreUntouched(t *testing.T) {
	for name, change := range map[string]func(*http.Response){
		"no type":          func(r *http.Response) { r.Header.Del("Content-Type") },
		"a stream":         func(r *http.Response) { r.Header.Set("Content-Type", "text/event-stream") },
		"a file":           func(r *http.Response) { r.Header.Set("Content-Type", "application/octet-stream") },
		"lines of JSON":    func(r *http.Response) { r.Header.Set("Content-Type", "application/x-ndjson") },
		"a garbled type":   func(r *http.Response) { r.Header.Set("Content-Type", "application/json/x") },
		"compressed":       func(r *http.Response) { r.Header.Set("Content-Encoding", "gzip") },
		"empty":            func(r *http.Response) { r.ContentLength = 0 },
		"no content":       func(r *http.Response) { r.StatusCode, r.ContentLength = http.StatusNoContent, 0 },
		"another protocol": func(r *http.Response) { r.StatusCode = http.StatusSwitchingProtocols },
	} {
		t.Run(name, func(t *testing.T) {
			body := &counter{Reader: strings.NewReader(rejection)}
			resp, sent := answered(t, func() *http.Response {
				resp := reply(http.StatusOK, jsonType, "")
				resp.Body = body
				change(resp)
				return resp
			})
			defer resp.Body.Close()
			assert.Equal(t, 1, sent)
			assert.Same(t, body, resp.Body)
			assert.Zero(t, body.read)
		})
	}
}

func TestTypesOfJSON(t *testing.T) {
	for _, contentType := range []string{"application/json", jsonType, "Application/JSON;charset", "application/json; charset=gbk"} {
		resp, sent := answered(t, func() *http.Response { return reply(400, contentType, rejection) })
		resp.Body.Close()
		assert.Equal(t, 2, sent, contentType)
	}
}

// onceBroken fails after its text, and forgets about it.
type onceBroken struct {
	text string
	err  error
}

func (o *onceBroken) Read(p []byte) (int, error) {
	n := copy(p, o.text)
	o.text = o.text[n:]
	if o.text != "" || o.err == nil {
		return n, nil
	}
	err := o.err
	o.text, o.err = "not to be read", nil
	return n, err
}

func TestReplyThatBreaksOff(t *testing.T) {
	broken := errors.New("broken")
	for _, text := range []string{"", `{"da`, `{"code"`, `{"code":0`, "[", `{"code":0}`} {
		resp, sent := answeredWith(t, &onceBroken{text, broken})
		assert.Equal(t, 1, sent)
		all, err := io.ReadAll(resp.Body)
		require.ErrorIs(t, err, broken)
		_, err = resp.Body.Read(make([]byte, 1))
		require.ErrorIs(t, err, broken)
		resp.Body.Close()
		assert.Equal(t, text, string(all))
	}
}

// dripping is a body of which a byte comes every 100 ms, until ctx ends.
type dripping struct {
	ctx  context.Context
	text string
}

func (d *dripping) Read(p []byte) (int, error) {
	select {
	case <-time.After(100 * time.Millisecond):
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
	n := copy(p[:1], d.text)
	d.text = d.text[n:]
	return n, nil
}

func TestSlowReplyEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1050*time.Millisecond)
		defer cancel()
		text := `{"data":"` + strings.Repeat("x", 1000)
		resp, sent := answeredWith(t, &dripping{ctx, text})
		assert.Equal(t, 1, sent)
		assert.ErrorIs(t, ctx.Err(), context.DeadlineExceeded)
		all, err := io.ReadAll(resp.Body)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		resp.Body.Close()
		assert.Equal(t, text[:10], string(all))
	})
}

// Over a socket: http.Transport decompresses what it asked for itself, and the
// Transport sees the code; if the caller asked, it does not.
func TestCompressedReplies(t *testing.T) {
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, _ = io.WriteString(w, rejection)
	_ = w.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	}))
	defer api.Close()
	for encoding, sent := range map[string]int{"": 2, "gzip": 1} {
		s := newStage(t, feishutest.Config{MintEveryCall: true}, func(c *bearer.Config) {
			c.Hosts, c.Base = []string{api.URL}, &http.Transport{DisableKeepAlives: true}
		})
		req := newRequest(t, http.MethodGet, api.URL, nil)
		want := rejection
		if encoding != "" {
			req.Header.Set("Accept-Encoding", encoding)
			want = packed.String()
		}
		_, body := s.do(t, req)
		assert.Equal(t, want, body)
		assert.Len(t, s.authorizations(), sent)
	}
}

// Over sockets: replies without a body, and connections that are used again.
func TestHeadAndReuse(t *testing.T) {
	api := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			w.Header().Set("Content-Type", jsonType)
			w.Header().Set("Content-Length", "65")
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", jsonType)
		_, _ = io.WriteString(w, rejection+strings.Repeat(" ", 1<<10)) // more than is read for the code
	}))
	connections := 0
	api.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections++ // by the one goroutine that accepts
		}
	}
	api.Start()
	defer api.Close()
	base := &http.Transport{}
	s := newStage(t, feishutest.Config{MintEveryCall: true}, func(c *bearer.Config) { c.Hosts, c.Base = []string{api.URL}, base })
	status, body := s.do(t, newRequest(t, http.MethodHead, api.URL+feishutest.QueryPath, nil))
	assert.Equal(t, http.StatusBadRequest, status)
	assert.Empty(t, body)
	assert.Equal(t, 1, s.calls())

	_, body = s.do(t, newRequest(t, http.MethodGet, api.URL+feishutest.QueryPath, nil))
	assert.Equal(t, rejection, strings.TrimSpace(body))
	assert.Len(t, s.authorizations(), 3)
	base.CloseIdleConnections()
	api.Close()
	assert.Equal(t, 1, connections)
}
