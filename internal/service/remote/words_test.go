package remote_test

import (
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/remote"
)

// saying answers everything with a body.
func saying(body string) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(out, body) })
}

// wrong is what a service at a URL says instead of a report.
func wrong(t *testing.T, url string, trust *tls.Config) string {
	t.Helper()
	s, err := remote.New(url, trust)
	require.NoError(t, err)
	_, err = s.Report(t.Context())
	require.Error(t, err)
	return err.Error()
}

// JSON with a list of that name is no status yet: an exit status of 0 would call it well.
func TestReportOfSomethingElse(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		`{}`, `[]`, `null`, `<html>`, ``, `{"status":"ok","credentials":null,"now":"2026-11-30T06:00:00Z"}`, `{"status":"ok","credentials":[]}`,
		`{"credentials":{},"now":"2026-11-30T06:00:00Z"}`,
	} {
		server := httptest.NewServer(saying(body))
		assert.Contains(t, wrong(t, server.URL, nil), "shows no status of a service, but something else: give the address", body)
		server.Close()
	}
	server := httptest.NewServer(saying(`{"credentials":[],"now":"2026-11-30T06:00:00Z"}`))
	defer server.Close()
	s, err := remote.New(server.URL, nil)
	require.NoError(t, err)
	r, err := s.Report(t.Context())
	require.NoError(t, err, "a service may have no credential")
	assert.Empty(t, r.Credentials)
}

// Of a service that runs nobody is told to start it.
func TestReportByTheWrongScheme(t *testing.T) {
	t.Parallel()
	plain, secured := httptest.NewServer(saying("")), httptest.NewUnstartedServer(saying(""))
	defer plain.Close()
	secured.Config.ErrorLog = log.New(io.Discard, "", 0)
	secured.StartTLS()
	defer secured.Close()
	trusted := x509.NewCertPool()
	trusted.AddCert(secured.Certificate())
	_, port, err := net.SplitHostPort(secured.Listener.Addr().String())
	require.NoError(t, err)
	for name, c := range map[string]struct {
		url   string
		trust *tls.Config
		says  string
	}{
		"TLS where there is none":  {strings.Replace(plain.URL, "http:", "https:", 1), nil, "speaks no TLS: begin the address with http://"},
		"no TLS where there is":    {strings.Replace(secured.URL, "https:", "http:", 1), nil, "speaks TLS: begin the address with https://"},
		"an authority of its own":  {secured.URL, nil, "is not trusted: tls: failed to verify certificate: x509: certificate signed by unknown authority: name its authority by --ca-file"},
		"a name that is not in it": {"https://localhost:" + port, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: trusted}, "or call it by a name that the certificate has"},
	} {
		said := wrong(t, c.url, c.trust)
		assert.Contains(t, said, c.says, name)
		assert.NotContains(t, said, "start it", name)
	}
}

// An answer that begins, and does not end in time, is no answer of something else.
func TestReportThatDoesNotEnd(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(out, `{"credentials":[`)
		_ = http.NewResponseController(out).Flush()
		select {
		case <-r.Context().Done():
		case <-time.After(time.Minute):
		}
	}))
	defer server.Close()
	assert.Contains(t, wrong(t, server.URL, nil), "no answer from "+server.URL+" within 3s")
}
