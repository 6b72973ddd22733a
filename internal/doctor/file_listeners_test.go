package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/config"
)

// saying answers everything with a status and a body, as a door does to somebody who shows nothing.
func saying(status int, body string) http.HandlerFunc {
	return func(out http.ResponseWriter, _ *http.Request) {
		out.WriteHeader(status)
		_, _ = io.WriteString(out, body)
	}
}

const (
	tokensSay  = `{"error":"invalid_client","error_description":"no"}`
	gatewaySay = `{"code":99991661,"msg":"no"}`
)

func TestListener(t *testing.T) {
	t.Parallel()
	at := func(status int, body string) string {
		server := httptest.NewServer(saying(status, body))
		t.Cleanup(server.Close)
		return server.Listener.Addr().String()
	}
	mute, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer mute.Close()
	go func() {
		for conn, err := mute.Accept(); err == nil; conn, err = mute.Accept() {
			_ = conn.Close()
		}
	}()
	for name, c := range map[string]struct {
		door, listen, status, found string
	}{
		"status":               {config.DoorStatus, at(200, "alive\n"), checkOK, "a service answers"},
		"status stands still":  {config.DoorStatus, at(503, "stands still: for 1m\n"), checkOK, "a service answers"},
		"tokens":               {config.DoorTokens, at(401, tokensSay), checkOK, "a service answers"},
		"gateway":              {config.DoorGateway, at(400, gatewaySay), checkOK, "a service answers"},
		"a web site":           {config.DoorStatus, at(404, "<html>"), checkFail, "something else listens there (HTTP 404)"},
		"tokens at a gateway":  {config.DoorGateway, at(401, tokensSay), checkFail, "something else listens there (HTTP 401)"},
		"gateway at tokens":    {config.DoorTokens, at(400, gatewaySay), checkFail, "something else listens there (HTTP 400)"},
		"somebody who is mute": {config.DoorTokens, mute.Addr().String(), checkFail, "does not speak HTTP"},
		"port 0":               {config.DoorTokens, "0.0.0.0:0", checkOK, "picks a free port"},
		"nobody's address":     {config.DoorTokens, "192.0.2.1:65000", checkFail, "nothing can listen there: "},
	} {
		f := listenerCheck(t.Context(), c.door, "/x", config.Listener{Listen: c.listen})
		assert.Equal(t, c.status, f.Status, "%s: %v", name, f)
		assert.Contains(t, f.Found, c.found, name)
		assert.Equal(t, c.status != checkOK, f.Advice != "", name)
	}
	over, end := context.WithCancel(t.Context())
	end()
	assert.Equal(t, checkSkipped, listenerCheck(over, config.DoorStatus, "/x", config.Listener{Listen: at(200, "alive\n")}).Status, "out of time, it says nothing of the service")
	assert.Equal(t, finding{"listener", checkFail, "in use by something that does not answer: timeout", "see what that is: ss -lp"},
		vacant(t.Context(), at(200, ""), errors.New("timeout")))
	free, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, free.Close())
	assert.Equal(t, finding{Name: "listener", Status: checkOK, Found: "free: no service runs here"},
		listenerCheck(t.Context(), config.DoorTokens, "/x", config.Listener{Listen: free.Addr().String()}))
}

// A service that shows an old certificate has not taken the file.
func TestListenerWithTLS(t *testing.T) {
	t.Parallel()
	now := time.Now()
	shown, other := selfSigned(t, now, now.Add(time.Hour), "a"), selfSigned(t, now, now.Add(time.Hour), "b")
	server := httptest.NewUnstartedServer(saying(401, tokensSay))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{shown}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	defer server.Close()
	l := config.Listener{Listen: server.Listener.Addr().String(), TLS: &config.ServerTLS{Certificate: shown}}
	assert.Equal(t, checkOK, listenerCheck(t.Context(), config.DoorTokens, "/x", l).Status)
	l.TLS.Certificate = other
	f := listenerCheck(t.Context(), config.DoorTokens, "/x", l)
	assert.Equal(t, checkWarn, f.Status)
	assert.Contains(t, f.Found, "another certificate")
}

// folderOfSockets has a short name: t.TempDir may be longer than a socket's path may.
func folderOfSockets(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "d")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return folder
}

func TestSocket(t *testing.T) {
	t.Parallel()
	folder := folderOfSockets(t)
	path := filepath.Join(folder, "s")
	assert.Contains(t, socketCheck(t.Context(), path, 0o660).Found, "free")
	none := socketCheck(t.Context(), filepath.Join(folder, "none", "s"), 0o660)
	assert.Equal(t, checkFail, none.Status)
	assert.Contains(t, none.Found, "there is no folder ")

	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	require.NoError(t, os.Chmod(path, 0o660))
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: saying(401, tokensSay), ReadHeaderTimeout: time.Minute}}
	server.Start()
	assert.Equal(t, finding{Name: "listener", Status: checkOK, Found: "a service answers"}, socketCheck(t.Context(), path, 0o660))
	over, end := context.WithCancel(t.Context())
	end()
	assert.Equal(t, checkSkipped, socketCheck(over, path, 0o660).Status, "out of time, it says nothing of the service")
	f := socketCheck(t.Context(), path, 0o600)
	assert.Equal(t, checkWarn, f.Status)
	assert.Contains(t, f.Found, "its mode is 0660, and 0600 in the file")
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	server.Close()
	assert.Contains(t, socketCheck(t.Context(), path, 0o660).Found, "left behind by a service that is gone")

	require.NoError(t, os.Remove(path))
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	assert.Equal(t, checkFail, socketCheck(t.Context(), path, 0o660).Status)
	assert.True(t, strings.HasPrefix(callable("::"), "::1"))
	assert.Equal(t, "127.0.0.1", callable(""))
}
