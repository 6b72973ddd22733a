package bearer_test

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

const bound = 16 << 10

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
			assert.LessOrEqual(t, body.read, bound+1)
			all, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.True(t, text == string(all), "a byte is lost")
		})
	}
}

func TestRejectionJustWithinTheBound(t *testing.T) {
	head, tail := `{"code":99991663,"msg":"`, `"}`
	for _, length := range []bool{true, false} {
		for beyond, sent := range map[int]int{0: 2, 1: 1, 10: 1} {
			text := head + strings.Repeat("x", bound-len(head)-len(tail)+beyond) + tail
			resp, got := answered(t, func() *http.Response {
				resp := reply(200, jsonType, text)
				if length {
					resp.ContentLength = int64(len(text))
				}
				return resp
			})
			all, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			resp.Body.Close()
			assert.Equal(t, sent, got, beyond)
			assert.True(t, text == string(all), "a byte is lost")
		}
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

// What users have stored is content, whatever its words. Only what the API says itself is a
// rejection; a 200 that hands out a file costs no token.
func TestFileIsNoRejection(t *testing.T) {
	file := func(disposition string) http.Header { return http.Header{"Content-Disposition": {disposition}} }
	for edge, c := range map[string]struct {
		text   string
		sent   int
		status int // 0: 200
		header http.Header
		change func(*http.Response)
	}{
		"attachment":                  {text: rejection, sent: 1, header: file("attachment")},
		"attachment with a name":      {text: rejection, sent: 1, header: file(`attachment; filename="answer.json"`)},
		"attachment with a name*":     {text: rejection, sent: 1, header: file(`attachment; filename*=UTF-8''%E7%AD%94.json`)},
		"inline":                      {text: rejection, sent: 1, header: file(`inline; filename="answer.json"`)},
		"garbled disposition":         {text: rejection, sent: 1, header: file(`; ;=`)},
		"a part":                      {text: rejection, sent: 1, status: http.StatusPartialContent},
		"a part, by its range":        {text: rejection, sent: 1, header: http.Header{"Content-Range": {"bytes 0-64/65"}}},
		"longer than it may be":       {text: rejection, sent: 1, change: func(r *http.Response) { r.ContentLength = bound + 1 }},
		"nested code":                 {text: `{"data":{"code":99991663,"msg":"x"},"msg":"x"}`, sent: 1},
		"nested code, before its own": {text: `{"data":{"code":99991663},"code":0,"msg":"x"}`, sent: 1},
		"code as string":              {text: `{"code":"99991663","msg":"x"}`, sent: 1},
		"code as fraction":            {text: `{"code":99991663.5,"msg":"x"}`, sent: 1},
		"huge number":                 {text: `{"code":9999166399991663999916639999166399991663,"msg":"x"}`, sent: 1},
		"huge exponent":               {text: `{"code":99991663e9999,"msg":"x"}`, sent: 1},
		"a number that wraps":         {text: `{"code":4394958959,"msg":"x"}`, sent: 1}, // 99991663 + 1<<32
		"two codes":                   {text: `{"code":99991663,"msg":"x","code":0}`, sent: 1},
		"the code twice":              {text: `{"code":99991663,"msg":"x","code":99991663}`, sent: 1},
		"another spelling":            {text: `{"Code":99991663,"msg":"x"}`, sent: 1},
		"no message":                  {text: `{"code":99991663}`, sent: 1},
		"a message that is none":      {text: `{"code":99991663,"msg":null}`, sent: 1},
		"a message of another type":   {text: `{"code":99991663,"msg":{"x":1}}`, sent: 1},
		"two values":                  {text: rejection + rejection, sent: 1},
		"lines of JSON":               {text: rejection + "\n" + `{"code":0}` + "\n", sent: 1},
		"trailing garbage":            {text: rejection + "x", sent: 1},
		"a zero at the end":           {text: rejection + "\x00", sent: 1},
		"cut short":                   {text: strings.TrimSuffix(rejection, "}"), sent: 1},
		"a list":                      {text: "[" + rejection + "]", sent: 1},
		"UTF-16":                      {text: "\xff\xfe" + strings.Join(strings.Split(rejection, ""), "\x00") + "\x00", sent: 1},
		"two byte order marks":        {text: "\xef\xbb\xbf\xef\xbb\xbf" + rejection, sent: 1},

		"the API's own":                     {text: rejection, sent: 2},
		"with 400":                          {text: rejection, sent: 2, status: http.StatusBadRequest},
		"an error with a disposition":       {text: rejection, sent: 2, status: 400, header: file("inline; filename=f.txt")},
		"with more":                         {text: `{"error":{"log_id":"2024"},"msg":"x","data":{"code":0},"code":99991663}`, sent: 2},
		"blanks around":                     {text: " \r\n" + rejection + "\r\n ", sent: 2},
		"a byte order mark":                 {text: "\xef\xbb\xbf" + rejection, sent: 2},
		"a byte order mark, and blanks":     {text: "\xef\xbb\xbf\n" + rejection, sent: 2},
		"a byte order mark, byte by byte":   {text: "\xef\xbb\xbf" + rejection, sent: 2, change: slowly},
		"no byte order mark, byte by byte":  {text: rejection, sent: 2, change: slowly},
		"an empty message, and a known end": {text: `{"code":99991671,"msg":""}`, sent: 2, change: func(r *http.Response) { r.ContentLength = 26 }},
	} {
		t.Run(edge, func(t *testing.T) {
			resp, sent := answered(t, func() *http.Response {
				resp := reply(cmp.Or(c.status, http.StatusOK), jsonType, c.text)
				maps.Copy(resp.Header, c.header)
				if c.change != nil {
					c.change(resp)
				}
				return resp
			})
			assert.Equal(t, c.sent, sent)
			all, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Equal(t, c.text, string(all))
		})
	}
}

// Feishu rejects a token before anything is at hand that could be saved, so that a file is one
// with the status of an error, too. Only "inline" counts for nothing there: gateways put it
// before any error, lest a browser runs it.
func TestErrorThatIsAFileIsNoRejection(t *testing.T) {
	for edge, c := range map[string]struct {
		sent         int
		dispositions []string
	}{
		"attachment":             {1, []string{"attachment"}},
		"in capitals":            {1, []string{"ATTACHMENT"}},
		"with a name":            {1, []string{`attachment; filename="answer.json"`}},
		"with a name*":           {1, []string{`attachment; filename*=UTF-8''%E7%AD%94.json`}},
		"with a bad parameter":   {1, []string{`attachment; filename=a b`}},
		"a kind that is unknown": {1, []string{`form-data; name="x"`}}, // RFC 6266, 4.2: as an attachment
		"no kind":                {1, []string{`filename=answer.json`}},
		"garbled":                {1, []string{`; ;=`}},
		"empty":                  {1, []string{""}},
		"one of two":             {1, []string{"inline", "attachment"}},

		"none":                        {2, nil},
		"inline":                      {2, []string{"inline"}},
		"inline, with a name":         {2, []string{"Inline;filename=f.txt"}},
		"inline, and a bad parameter": {2, []string{"inline; filename=a b"}},
	} {
		for _, status := range []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusInternalServerError} {
			t.Run(edge+" "+http.StatusText(status), func(t *testing.T) {
				resp, sent := answered(t, func() *http.Response {
					resp := reply(status, jsonType, rejection)
					if c.dispositions != nil {
						resp.Header["Content-Disposition"] = c.dispositions
					}
					return resp
				})
				assert.Equal(t, c.sent, sent)
				all, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.NoError(t, resp.Body.Close())
				assert.Equal(t, rejection, string(all))
			})
		}
	}
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
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", jsonType)
		w.Header().Set("Content-Encoding", "gzip")
		if r.URL.Path == "/download" {
			w.Header().Set("Content-Disposition", "attachment")
		}
		_, _ = w.Write(packed.Bytes())
	}))
	defer api.Close()
	for _, c := range []struct {
		path, encoding string
		sent           int
	}{{"/", "", 2}, {"/", "gzip", 1}, {"/download", "", 1}} {
		s := newStage(t, feishutest.Config{MintEveryCall: true}, func(c *bearer.Config) {
			c.Hosts, c.Base = []string{api.URL}, &http.Transport{DisableKeepAlives: true}
		})
		req := newRequest(t, http.MethodGet, api.URL+c.path, nil)
		want := rejection
		if c.encoding != "" {
			req.Header.Set("Accept-Encoding", c.encoding)
			want = packed.String()
		}
		_, body := s.do(t, req)
		assert.Equal(t, want, body)
		assert.Len(t, s.authorizations(), c.sent, c)
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

func slowly(r *http.Response) { r.Body = io.NopCloser(iotest.OneByteReader(r.Body)) }

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
