package remote_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/remote"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		"http://127.0.0.1:8080":         "http://127.0.0.1:8080",
		"127.0.0.1:8080":                "http://127.0.0.1:8080",
		"localhost":                     "http://localhost",
		"https://status.example/":       "https://status.example",
		"https://status.example/a/":     "https://status.example/a",
		"http://[::1]:8080":             "http://[::1]:8080",
		"":                              "has to be",
		"http://":                       "has to be",
		"http://:8080":                  "has to be",
		"ftp://127.0.0.1":               "has to be",
		"redis://127.0.0.1:6379":        "has to be",
		"http://127.0.0.1/?token=s3c":   "has to be",
		"http://127.0.0.1/#s3c":         "has to be",
		"http://127.0.0.1:s3c":          "has to be",
		"http://s3c:s3c@127.0.0.1:8080": "a user or password",
	} {
		s, err := remote.New(raw, nil)
		if err != nil {
			assert.ErrorContains(t, err, want, raw)
			assert.NotContains(t, err.Error(), "s3c", "a complaint quotes nothing")
			continue
		}
		assert.Equal(t, want, s.URL(), raw)
	}
}

// serving is a service whose /api/status does this.
func serving(t *testing.T, handler http.HandlerFunc) *remote.Service {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/status", handler)
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	s, err := remote.New(server.URL, nil)
	require.NoError(t, err)
	return s
}

func telling(body string) http.HandlerFunc { return saying(body).ServeHTTP }

// least is the least that a service tells.
const least = `{"version":"v1","now":"2026-11-30T12:00:00Z","credentials":[]}`

func TestReport(t *testing.T) {
	t.Parallel()
	s := serving(t, telling(`{
		"version": "v1.2.3", "now": "2026-11-30T12:00:00Z", "started": "2026-11-30T11:00:00Z", "replica": "host-7 (pid 47)",
		"config": {"ok": false, "error": "line 1", "loaded_at": "2026-11-30T11:30:00Z"},
		"redis": {"state": "degraded", "since": "2026-11-30T11:59:00Z", "trouble": "timeout", "advice": "look"},
		"doors": [{"name": "tokens", "listens": "http://a", "requests": 7, "refused": 2}],
		"credentials": [
			{"name": "crm", "app_id": "cli_a", "id": "feishu:cli_a:1", "state": "urgent", "remaining_seconds": 90.5, "life_seconds": 7200, "fetched_by": "host-7",
				"next_refresh_seconds": 0, "window_seconds": 1770, "usable": true, "failing": "busy: look", "a_field_of_tomorrow": [1],
				"failure": {"class": "transient", "message": "busy", "by": "host-7", "attempts": 3, "retry_in_seconds": 9},
				"trouble": {"text": "busy", "advice": "look", "needs_person": true, "redis": false, "retry_in_seconds": 9},
				"newer": {"error": "no", "trouble": null}, "clients": [{"name": "billing", "door": "tokens", "last_seen": "2026-11-30T11:58:00Z"}]},
			{"name": "off", "disabled": true, "usable": false}
		],
		"events": [{"at": "2026-11-30T11:57:00Z", "type": "failure", "credential": "crm", "text": "busy"}]
	}`))
	r, err := s.Report(t.Context())
	require.NoError(t, err)
	at := func(minute int) time.Time { return time.Date(2026, 11, 30, 11, minute, 0, 0, time.UTC) }
	assert.Equal(t, "v1.2.3", r.Version)
	assert.Equal(t, at(60), r.Now)
	assert.Equal(t, at(0), r.Started)
	assert.Equal(t, "host-7 (pid 47)", r.Replica)
	assert.Equal(t, remote.Config{Error: "line 1", LoadedAt: at(30)}, r.Config)
	assert.Equal(t, remote.Redis{State: "degraded", Since: at(59), Trouble: "timeout", Advice: "look"}, r.Redis)
	assert.Equal(t, []remote.Door{{Name: "tokens", Requests: 7, Refused: 2}}, r.Doors)
	assert.Equal(t, []remote.Event{{At: at(57), Type: "failure", Credential: "crm", Text: "busy"}}, r.Events)
	require.Len(t, r.Credentials, 2)
	crm, off := r.Credentials[0], r.Credentials[1]
	assert.Equal(t, "crm", crm.Name)
	assert.Equal(t, "urgent", crm.State)
	assert.EqualValues(t, 90.5, crm.Remaining)
	assert.EqualValues(t, 1770, crm.Window)
	assert.Equal(t, "host-7", crm.FetchedBy)
	assert.Equal(t, 3, crm.Failure.Attempts)
	assert.Equal(t, &remote.Trouble{Text: "busy", Advice: "look", NeedsPerson: true, RetryIn: 9}, crm.Trouble)
	assert.Equal(t, &remote.Newer{Error: "no"}, crm.Newer)
	assert.Equal(t, []remote.Client{{Name: "billing", Door: "tokens", LastSeen: at(58)}}, crm.Clients)
	assert.True(t, *crm.Usable)
	assert.True(t, off.Disabled)
	assert.False(t, *off.Usable)
	assert.Contains(t, string(r.Raw), "a_field_of_tomorrow", "with every field")
}

// What an older service does not tell is zero or nil, which is not what a newer one says is none.
func TestReportOfAnOlderService(t *testing.T) {
	t.Parallel()
	r, err := serving(t, telling(`{"version":"v0.1.0","now":"2026-11-30T12:00:00Z","credentials":[{"name":"crm","state":"fresh"}]}`)).Report(t.Context())
	require.NoError(t, err)
	require.Len(t, r.Credentials, 1)
	assert.Nil(t, r.Credentials[0].Usable)
	assert.Nil(t, r.Credentials[0].Trouble)
	assert.Nil(t, r.Credentials[0].Failure)
	assert.Zero(t, r.Redis)
	assert.Empty(t, r.Events)
}

// A base URL may have a path, below which the status is.
func TestReportBelowAPath(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/a/api/status", r.URL.Path)
		_, _ = io.WriteString(w, least)
	}))
	defer server.Close()
	s, err := remote.New(server.URL+"/a/", nil)
	require.NoError(t, err)
	_, err = s.Report(t.Context())
	assert.NoError(t, err)
}

// An error says what to do, and quotes nothing of the answer.
func TestNoReport(t *testing.T) {
	t.Parallel()
	status := func(code int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "s3c", code) }
	}
	for edge, c := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"wants a certificate":     {status(http.StatusForbidden), "give one by --cert-file and --key-file"},
		"goes by another name":    {status(http.StatusMisdirectedRequest), "localhost or an address"},
		"has none":                {status(http.StatusNotFound), "(HTTP 404)"},
		"stumbles":                {status(http.StatusInternalServerError), "(HTTP 500)"},
		"leads elsewhere":         {http.RedirectHandler("http://127.0.0.1:1/s3c", http.StatusFound).ServeHTTP, "(HTTP 302)"},
		"is no JSON":              {telling("<html>s3c</html>"), "but something else"},
		"is cut short":            {telling(`{"version":"s3c","credentials":[`), "but something else"},
		"has no credentials":      {telling(`{"version":"s3c"}`), "but something else"},
		"has others":              {telling(`{"credentials":{"s3c":1}}`), "but something else"},
		"is of another type":      {telling(`{"credentials":[{"name":7,"state":"s3c"}]}`), "but something else"},
		"says nothing whatsoever": {func(http.ResponseWriter, *http.Request) {}, "but something else"},
		"ends in the middle":      {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "no service answers at"},
	} {
		s := serving(t, c.handler)
		r, err := s.Report(t.Context())
		assert.ErrorContains(t, err, c.want, edge)
		assert.ErrorContains(t, err, s.URL(), edge)
		assert.NotContains(t, err.Error(), "s3c", edge)
		assert.Zero(t, r, edge)
	}
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(nil)
	server.Close()
	s, err := remote.New(server.URL, nil)
	require.NoError(t, err)
	_, err = s.Report(t.Context())
	assert.ErrorContains(t, err, "no service answers at "+server.URL)
	assert.ErrorContains(t, err, "start it, or give the address of its status.listen")
	assert.Equal(t, 1, strings.Count(err.Error(), server.URL), "once")
}

func TestNoAnswerInTime(t *testing.T) {
	t.Parallel()
	s := serving(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err := s.Report(ctx)
	assert.ErrorContains(t, err, "no answer from "+s.URL()+" within 3s")
}

// An answer without an end costs no more memory than the longest that is read.
func TestAnswerWithoutAnEnd(t *testing.T) {
	t.Parallel()
	var sent atomic.Int64
	done := make(chan struct{})
	s := serving(t, func(w http.ResponseWriter, _ *http.Request) {
		defer close(done)
		blanks := []byte(strings.Repeat(" ", 1<<20))
		for {
			n, err := w.Write(blanks)
			sent.Add(int64(n))
			if err != nil {
				return
			}
		}
	})
	_, err := s.Report(t.Context())
	assert.Error(t, err)
	<-done
	assert.Less(t, sent.Load(), int64(80<<20), "64 MiB, and what the sockets hold")
}

func TestTLS(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(telling(least))
	defer server.Close()
	known := x509.NewCertPool()
	known.AddCert(server.Certificate())
	s, err := remote.New(server.URL, &tls.Config{RootCAs: known})
	require.NoError(t, err)
	_, err = s.Report(t.Context())
	assert.NoError(t, err)
}

func TestReportsAtOnce(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	s := serving(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		telling(least)(w, r)
	})
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			r, err := s.Report(t.Context())
			assert.NoError(t, err)
			assert.Equal(t, "v1", r.Version)
		})
	}
	all.Wait()
	assert.EqualValues(t, 16, asked.Load(), "each asks for itself")
}
