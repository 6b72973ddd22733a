//go:build unix

package deploycheck_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"

	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
	"github.com/onetoken-go/onetoken/internal/deploycheck"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

// live is a pod's onetoken, as a process of this machine, with a Redis and issuers of this machine.
type live struct {
	*layout
	log    redistest.Output
	status string // URL
	door   string // URL; "": there is none but the socket
}

// start runs the container's arguments with its environment, and as its user if this is root.
func start(t *testing.T, folder string) *live {
	t.Helper()
	p := onlyPod(t, folder)
	l := &live{layout: layOut(t, p)}
	l.bring(p.Config)
	l.configure(p.Config)
	cmd := exec.Command(binary, l.arguments()...)
	for _, variable := range p.Container.Env {
		cmd.Env = append(cmd.Env, variable.Name+"="+variable.Value)
	}
	cmd.Stdout, cmd.Stderr = &l.log, &l.log
	cmd.SysProcAttr = asUser(65532, 65532)
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		assert.NoError(t, cmd.Wait(), "%s", &l.log)
	})
	l.status = l.listens(`status: listens on (http\S+)`)
	if p.Config.Port("tokens") != 0 || p.Config.TLS("tokens") {
		l.door = l.listens(`tokens: listens on (https\S+)`)
	}
	return l
}

// asUser is nil if this may not become others.
func asUser(uid, group uint32) *syscall.SysProcAttr {
	if os.Getuid() != 0 {
		return nil
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid, Groups: []uint32{group}}}
}

// bring has what the configuration calls be here, and leaves all else as it is.
func (l *live) bring(c deploycheck.Configuration) {
	l.t.Helper()
	redis := redistest.StartTLSServer(l.t, "--tls-auth-clients", "no", "--user", "onetoken", "on", ">"+secretIn("password"), "~*", "&*", "+@all")
	ca, err := os.ReadFile(redis.CAFile())
	require.NoError(l.t, err)
	l.write("/run/secrets/onetoken/redis/ca.crt", string(ca))
	c["redis"].(map[string]any)["url"] = "rediss://" + redis.Addr()
	for _, entry := range c["credentials"].([]any) {
		credential := entry.(map[string]any)
		switch credential["kind"] {
		case "feishu":
			issuer := feishutest.New(feishutest.Config{AppID: credential["app_id"].(string), AppSecret: secretIn(credential["app_secret_file"].(string))})
			credential["base_url"] = l.serve(issuer)
		case "oauth2":
			issuer := oauth2test.New(oauth2test.Config{Clients: []oauth2test.Client{{ID: credential["client_id"].(string), Secret: secretIn(credential["client_secret_file"].(string))}}})
			credential["token_url"] = l.serve(issuer) + oauth2test.TokenPath
		}
	}
	for _, section := range []string{"status", "tokens"} {
		if s := c[section].(map[string]any); s["listen"] != nil {
			s["listen"] = "127.0.0.1:0"
		}
	}
}

func (l *live) serve(issuer http.Handler) string {
	server := httptest.NewServer(issuer)
	l.t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	return server.URL
}

func (l *live) listens(pattern string) string {
	l.t.Helper()
	at := regexp.MustCompile(pattern)
	require.Eventually(l.t, func() bool { return at.MatchString(l.log.String()) }, time.Minute, 10*time.Millisecond, "%s", &l.log)
	return at.FindStringSubmatch(l.log.String())[1]
}

func (l *live) get(client *http.Client, url, secret string) (status int, body string) {
	l.t.Helper()
	req, err := http.NewRequestWithContext(l.t.Context(), http.MethodGet, url, nil)
	require.NoError(l.t, err)
	if secret != "" {
		req.Header.Set("Authorization", "Bearer "+secret)
	}
	res, err := client.Do(req)
	require.NoError(l.t, err)
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	require.NoError(l.t, err)
	return res.StatusCode, string(text)
}

// probed asks as the kubelet does, until all is well.
func (l *live) probed() {
	l.t.Helper()
	for name, probe := range map[string]*corev1.Probe{
		"startup": l.pod.Container.StartupProbe, "liveness": l.pod.Container.LivenessProbe, "readiness": l.pod.Container.ReadinessProbe,
	} {
		assert.Eventually(l.t, func() bool {
			status, _ := l.get(http.DefaultClient, l.status+probe.HTTPGet.Path, "")
			return status == http.StatusOK
		}, time.Minute, 20*time.Millisecond, "%s: %s", name, &l.log)
	}
	status, _ := l.get(http.DefaultClient, l.status+"/health", "")
	assert.Equal(l.t, http.StatusNotFound, status, "what is no probe is not answered")
	status, body := l.get(http.DefaultClient, l.status+l.pod.Deployment.Spec.Template.Annotations["prometheus.io/path"], "")
	assert.Equal(l.t, http.StatusOK, status)
	assert.Contains(l.t, body, "onetoken_build_info{")
}

// What the Deployment runs answers its probes, and gives each client tokens of what it is granted, by TLS.
func TestTheServicesAtWork(t *testing.T) {
	l := start(t, services)
	l.probed()

	text, err := os.ReadFile(l.at("/run/secrets/onetoken/tls/tls.crt"))
	require.NoError(t, err)
	roots := x509.NewCertPool()
	require.True(t, roots.AppendCertsFromPEM(text))
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost", MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	for _, c := range []struct {
		secret, credential string
		status             int
	}{
		{secretIn("billing"), "crm", http.StatusOK},
		{secretIn("billing"), "m2m", http.StatusForbidden},
		{secretIn("reports"), "crm", http.StatusOK},
		{secretIn("reports"), "m2m", http.StatusOK},
		{secretIn("crm"), "crm", http.StatusUnauthorized},
	} {
		status, body := l.get(client, l.door+"/v1/tokens/"+c.credential, c.secret)
		assert.Equal(t, c.status, status, "%s: %s", c.credential, body)
	}
	assert.NotContains(t, l.log.String(), "not-a-secret", "no secret is logged")
}

// The sidecar's socket is open to the application's user, by the pod's group, and to no other user of it.
func TestTheSidecarAtWork(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can act as the users of a pod")
	}
	l := start(t, sidecar)
	l.probed()
	assert.Empty(t, l.door, "it listens at the socket alone")

	app, group := uint32(l.pod.Config.UIDs()[0]), uint32(*l.pod.Spec.SecurityContext.FSGroup) //nolint:gosec // both are of 32 bits
	socket := l.at(l.pod.Config.Socket())
	ask := func(uid, group uint32) (status int, body string) {
		cmd := exec.CommandContext(t.Context(), "curl", "-s", "-w", "\n%{http_code}", "--unix-socket", socket, "http://localhost/v1/tokens/crm")
		cmd.SysProcAttr = asUser(uid, group)
		out, _ := cmd.Output() // fails where it cannot connect
		parts := regexp.MustCompile(`(?s)^(.*)\n(\d+)$`).FindStringSubmatch(string(out))
		require.NotNil(t, parts, "%s", out)
		status, _ = strconv.Atoi(parts[2])
		return status, parts[1]
	}
	status, body := ask(app, group)
	assert.Equal(t, http.StatusOK, status, body)
	var token struct {
		Token string `json:"access_token"`
	}
	require.NoError(t, json.Unmarshal([]byte(body), &token))
	assert.NotEmpty(t, token.Token)

	status, _ = ask(app+1, group)
	assert.Equal(t, http.StatusUnauthorized, status, "another user of the pod")
	status, _ = ask(app, app)
	assert.Zero(t, status, "without the group there is no connection")
}
