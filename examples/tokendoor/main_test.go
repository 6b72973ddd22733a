package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/examples/internal/refresher"
)

// anywhere has the service listen where there is room.
var anywhere = []string{"127.0.0.1:8080", "127.0.0.1:0", "127.0.0.1:8081", "127.0.0.1:0"}

// need is a program that the test is about.
func need(t *testing.T, name string) {
	t.Helper()
	_, err := exec.LookPath(name)
	if err != nil && os.Getenv("ONETOKEN_REQUIRE_REDIS") == "1" {
		t.Fatalf("%s is not installed, and ONETOKEN_REQUIRE_REDIS=1 wants it", name)
	}
	if err != nil {
		t.Skipf("%s is not installed", name)
	}
}

// Each client meets one rejection, and reports it: crm's issuer is asked three times for both clients.
func TestClientsInPythonAndNode(t *testing.T) {
	need(t, "python3")
	need(t, "node")
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), &out, func(context.Context, refresher.Place) error { return nil }, anywhere...), "%s", &out)
	const of = `: a token for \d+ s, kept for \d+ s\n`
	const calls = `crm: the API says: A tenant of cli_crm\n` +
		`crm: the API rejected the token; the door says invalidated\n` +
		`crm` + of +
		`crm: the API says: A tenant of cli_crm\n`
	assert.Regexp(t, `^\$ DOOR_URL=http://\S+ DOOR_SECRET_FILE=\S+ API_URL=http://\S+ python3 door.py crm m2m\n`+
		`crm`+of+`m2m`+of+calls+
		`\$ DOOR_URL=http://\S+ DOOR_SECRET_FILE=\S+ API_URL=http://\S+ node door.mjs crm erp\n`+
		`crm`+of+`erp`+of+calls+
		`calls of the issuers: crm 3, erp 1, m2m 1\n$`, out.String())

	page, err := os.ReadFile("README.md")
	require.NoError(t, err)
	_, block, _ := strings.Cut(string(page), "\n```text\n$ ")
	block, _, _ = strings.Cut(block, "```")
	_, block, _ = strings.Cut(block, "\n") // the command
	seconds := regexp.MustCompile(`\d+ s\b`)
	assert.Contains(t, seconds.ReplaceAllString(out.String(), "N s"), seconds.ReplaceAllString(block, "N s"))
	require.NotEmpty(t, block)
}

// Where neither language is installed the service is up all the same, for clients elsewhere.
func TestServiceAlone(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	var out bytes.Buffer
	var folder string
	require.NoError(t, run(t.Context(), &out, func(_ context.Context, at refresher.Place) error {
		folder = at.Folder
		for _, c := range []struct {
			client, credential string
			status             int
		}{
			{"python", "crm", http.StatusOK},
			{"python", "m2m", http.StatusOK},
			{"python", "erp", http.StatusForbidden},
			{"node", "erp", http.StatusOK},
			{"node", "m2m", http.StatusForbidden},
		} {
			status, token := ask(t, at, c.client, c.credential)
			assert.Equal(t, c.status, status, c)
			assert.Equal(t, c.status == http.StatusOK, token != "", c)
		}
		return nil
	}, anywhere...))
	assert.Equal(t, 2, strings.Count(out.String(), "(not run: there is no "), out.String())
	assert.NoDirExists(t, folder, "its secrets end with it")
}

// ask gets a token at the door, as a client that its secret tells from others.
func ask(t *testing.T, at refresher.Place, client, credential string) (status int, token string) {
	t.Helper()
	secret, err := os.ReadFile(filepath.Join(at.Folder, "secrets", client))
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at.URL["tokens"]+"/v1/tokens/"+credential, nil)
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer "+string(secret))
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	var answer struct {
		Token string `json:"access_token"`
	}
	require.NoError(t, json.Unmarshal(body, &answer), "%s", body)
	return res.StatusCode, answer.Token
}

func TestEndsWhenAsked(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	assert.NoError(t, run(ctx, io.Discard, func(ctx context.Context, _ refresher.Place) error {
		stop()
		<-ctx.Done()
		return nil
	}, anywhere...))
}
