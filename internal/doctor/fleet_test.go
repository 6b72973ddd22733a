package doctor

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/service/remote"
)

// A service that shows another certificate runs: nobody is told to start it.
func TestServiceWithAnotherCertificate(t *testing.T) {
	t.Parallel()
	now := time.Now()
	shown, inFile := selfSigned(t, now, now.Add(time.Hour), "a"), selfSigned(t, now, now.Add(time.Hour), "b")
	server := httptest.NewUnstartedServer(saying(200, "{}"))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{shown}, MinVersion: tls.VersionTLS12}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	file := &config.Config{Status: config.Listener{Listen: server.Listener.Addr().String(), TLS: &config.ServerTLS{Certificate: inFile}}}
	x := &fileExam{FileConfig: FileConfig{File: file}}
	x.ownService(t.Context())
	assert.Nil(t, x.own)
	assert.EqualError(t, x.unheard, "the service at "+server.URL+" is not asked: it shows another certificate than that in the file")
}

// Out of its own time the doctor has nothing to say of a service that runs.
func TestServiceThatIsNotHeardInTime(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(saying(200, `{"version": "v1", "now": "2026-11-30T12:00:00Z", "credentials": []}`))
	defer server.Close()
	file := &config.Config{Status: config.Listener{Listen: server.Listener.Addr().String()}}
	one, err := remote.New(server.URL, nil)
	require.NoError(t, err)
	x := &fileExam{FileConfig: FileConfig{File: file}}
	assert.Contains(t, x.service(hear(t.Context(), one)).Found, "v1, started")

	still := witnessed{report: remote.Report{Version: "v1", StandsStill: "the cache has told of nothing for 1m0s: restart this process"}}
	assert.Equal(t, finding{"service", checkFail, "v1, started 0s ago, 0 credentials: it stands still: the cache has told of nothing for 1m0s", "restart it"}, x.service(still))

	over, end := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer end()
	assert.Equal(t, skipped("service", "interrupted, or out of time"), x.service(hear(over, one)))
	x.ownService(over)
	assert.Nil(t, x.own)
	assert.EqualError(t, x.unheard, "interrupted, or out of time")
}

// Nor of a service that has not answered yet when that time ends.
func TestServiceThatIsCutShort(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		end()
		<-r.Context().Done()
	}))
	defer server.Close()
	one, err := remote.New(server.URL, nil)
	require.NoError(t, err)
	assert.Equal(t, checkSkipped, (&fileExam{}).service(hear(ctx, one)).Status)
}

func TestRemedy(t *testing.T) {
	t.Parallel()
	for text, c := range map[string]struct{ found, todo string }{
		"no service answers at u: refused: start it, or give another": {"no service answers at u: refused", "start it, or give another"},
		"the certificate is not trusted: x: name its authority by f":  {"the certificate is not trusted: x", "name its authority by f"},
		"what answers at u speaks TLS: begin the address with https:": {"what answers at u speaks TLS", "begin the address with https:"},
		"no answer from u within 3s: it stands still":                 {"no answer from u within 3s: it stands still", ""},
	} {
		found, todo := remedy(text)
		assert.Equal(t, c.found, found)
		assert.Equal(t, c.todo, todo, text)
	}
}
