package fetcher_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// net/http reads the proxy of the environment once in a process: each case
// gets one of its own.
func TestProxyOfTheEnvironment(t *testing.T) {
	if os.Getenv("FETCHER_TEST_PROXY") != "" {
		reportThroughProxy(t)
		return
	}
	closed := httptest.NewServer(nil)
	closed.Close()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusProxyAuthRequired)
	}))
	defer refusing.Close()
	for _, c := range []struct{ edge, proxy, said string }{
		{"not there", "http://user:hunter2@" + closed.Listener.Addr().String(), "connection refused"},
		{"wants another password", "http://user:hunter2@" + refusing.Listener.Addr().String(), "the proxy answered 407"},
	} {
		t.Run(c.edge, func(t *testing.T) {
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProxyOfTheEnvironment$", "-test.v")
			cmd.Env = append(os.Environ(), "FETCHER_TEST_PROXY=1", "HTTPS_PROXY="+c.proxy, "https_proxy=", "NO_PROXY=", "no_proxy=")
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			assert.Contains(t, string(out), c.said)
			assert.NotContains(t, string(out), "hunter2")
		})
	}
}

// reportThroughProxy never gets further than the proxy.
func reportThroughProxy(t *testing.T) {
	e := fetchErrorOf(t.Context(), t, at(t, "https://feishu.invalid"))
	assertLocal(t, e)
	t.Logf("%v / %+v", e, e.Err)
}
