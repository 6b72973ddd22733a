//go:build unix

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
)

// need is a program that the test is about.
func need(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil && os.Getenv("ONETOKEN_REQUIRE_REDIS") == "1" {
		t.Fatalf("%s is not installed, and ONETOKEN_REQUIRE_REDIS=1 wants it", name)
	}
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
	return path
}

// TestPythonAtTheDoor has programs in Python, with its standard library alone, use the door: by HTTP with a
// secret, and by the socket with none.
func TestPythonAtTheDoor(t *testing.T) {
	t.Parallel()
	python := need(t, "python3")
	w := newSite(t, 2, 2*time.Hour)
	w.write("service.yaml", w.configuration(fmt.Sprintf("    - {name: neighbour, uid: %d, credentials: [app-1]}\n", os.Getuid())))
	r := w.start("service.yaml")
	r.awaitReady()
	for i, where := range []string{r.tokens, filepath.Join(w.dir, "tokens.sock")} {
		cmd := exec.Command(python, "testdata/door.py", where, credentialName(i))
		cmd.Env = append(os.Environ(), "DOOR_SECRET="+clientSecret, "REVOKE="+w.server.URL+feishutest.RevokePath+"?app_id="+appID(i))
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		var got map[string][2]json.RawMessage
		require.NoError(t, json.Unmarshal(out, &got), "%s", out)
		token := func(of string) (h handed) {
			require.Equal(t, "200", string(got[of][0]), "%s: %s", of, got[of][1])
			require.NoError(t, json.Unmarshal(got[of][1], &h))
			return h
		}
		first, second := token("first"), token("second")
		assert.False(t, w.issuer.Valid(first.Token))
		assert.True(t, w.issuer.Valid(second.Token))
		assert.NotEqual(t, first.Token, second.Token)
		assert.JSONEq(t, `{"outcome":"invalidated"}`, string(got["rejected"][1]))
		assert.JSONEq(t, `{"outcome":"replaced"}`, string(got["again"][1]))
		assert.Equal(t, "403", string(got["denied"][0]))
	}
}

// TestCurlAtTheDoor has curl ask both endpoints.
func TestCurlAtTheDoor(t *testing.T) {
	t.Parallel()
	curl := need(t, "curl")
	w := newSite(t, 1, 2*time.Hour)
	w.write("service.yaml", w.configuration(""))
	r := w.start("service.yaml")
	r.awaitReady()
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.Command(curl, append([]string{"-sS", "--max-time", "20"}, args...)...).CombinedOutput()
		require.NoError(t, err, "%s", out)
		return string(out)
	}
	var byBearer, byOAuth handed
	require.NoError(t, json.Unmarshal([]byte(run("-H", "Authorization: Bearer "+clientSecret, r.tokens+"/v1/tokens/app-0")), &byBearer))
	oauth := run("-u", "billing:"+clientSecret, "-d", "grant_type=client_credentials", r.tokens+"/oauth2/token")
	require.NoError(t, json.Unmarshal([]byte(oauth), &byOAuth), oauth)
	assert.Equal(t, byBearer.Token, byOAuth.Token)
	assert.True(t, w.issuer.Valid(byOAuth.Token))
	wrong := run("-u", "billing:guess", "-d", "grant_type=client_credentials", "-w", " %{http_code}", r.tokens+"/oauth2/token")
	assert.Contains(t, wrong, `"invalid_client"`)
	assert.True(t, strings.HasSuffix(wrong, " 401"), wrong)
}
