//go:build unix

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// composed is what a compose file says of a service, as far as it can be run
// without an engine: the same command and environment, at other addresses.
type composed struct {
	Command     words
	Entrypoint  words
	Environment map[string]string
	Profiles    []string
	Ports       []string
	Volumes     []string
	HealthCheck struct{ Test words }
}

// words are a list, or a line.
type words []string

func (w *words) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode {
		*w = splitWords(node.Value)
		return nil
	}
	return node.Decode((*[]string)(w))
}

// splitWords knows the one kind of quoting that the file has.
func splitWords(line string) []string {
	out := strings.Fields(line)
	for i := range out {
		out[i] = strings.Trim(out[i], `"`)
	}
	return out
}

// town is the fleet of docker-compose.yml as processes of this machine.
type town struct {
	t         *testing.T
	services  map[string]composed
	variables map[string]string // of whoever runs compose
	addresses map[string]string // host:port in the file -> here
	programs  string            // the folder they are in
}

func newTown(t *testing.T, variables map[string]string) *town {
	t.Helper()
	text, err := os.ReadFile("../../docker-compose.yml")
	require.NoError(t, err)
	var file struct{ Services map[string]composed }
	require.NoError(t, yaml.Unmarshal(text, &file))
	c := &town{t: t, services: file.Services, variables: variables, addresses: map[string]string{}, programs: t.TempDir()}
	out, err := exec.Command("go", "build", "-o", c.programs,
		"github.com/onetoken-go/onetoken/cmd/onetoken", "github.com/onetoken-go/onetoken/examples/webservice").CombinedOutput()
	require.NoError(t, err, "%s", out)

	redis := file.Services["redis"].Command
	require.Equal(t, "redis-server", redis[0])
	c.addresses["redis:6379"] = redistest.StartServer(t, redis[1:]...).Addr()
	c.addresses["issuer:9090"] = freeAddress(t)
	return c
}

func freeAddress(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", redistest.FreePort(t))
}

var variable = regexp.MustCompile(`\$\{([A-Z_]+):-([^}]*)\}`)

// here is a text of the file with variables filled in and addresses that exist.
func (c *town) here(service, text string) string {
	text = variable.ReplaceAllStringFunc(text, func(all string) string {
		m := variable.FindStringSubmatch(all)
		if v := c.variables[m[1]]; v != "" {
			return v
		}
		return m[2]
	})
	for there, here := range c.addresses {
		text = strings.ReplaceAll(text, there, here)
	}
	text = itself.ReplaceAllStringFunc(text, func(address string) string {
		_, port, _ := strings.Cut(address, ":")
		name := service + ":" + port
		if c.addresses[name] == "" {
			c.addresses[name] = freeAddress(c.t)
		}
		return c.addresses[name]
	})
	for _, v := range c.services[service].Volumes {
		from, to, _ := strings.Cut(v, ":")
		if to, _ = strings.CutSuffix(to, ":ro"); strings.Contains(text, to) {
			text = strings.ReplaceAll(text, to, c.mounted(service, from, to))
		}
	}
	return strings.ReplaceAll(text, "/run/secrets/feishu_app_secret", c.variables["FEISHU_APP_SECRET_PATH"])
}

// itself is a service's own address, as the others see it or as it does.
var itself = regexp.MustCompile(`\b(0\.0\.0\.0|localhost):[0-9]+`)

// mounted is where a file is that the service would find at a path: a copy, with the addresses of this machine.
func (c *town) mounted(service, from, to string) string {
	c.t.Helper()
	raw, err := os.ReadFile(filepath.Join("../..", from))
	require.NoError(c.t, err)
	path := filepath.Join(c.programs, service, to)
	require.NoError(c.t, os.MkdirAll(filepath.Dir(path), 0o700))
	require.NoError(c.t, os.WriteFile(path, []byte(c.here(service, string(raw))), 0o600))
	return path
}

// run starts a service, or another command in its container, and does not wait.
func (c *town) run(service string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	c.t.Helper()
	s, ok := c.services[service]
	require.True(c.t, ok, service)
	if len(args) == 0 {
		args = slices.Concat([]string{"onetoken"}, s.Command)
		if len(s.Entrypoint) > 0 {
			args = slices.Concat(s.Entrypoint, s.Command)
		}
	}
	for i := range args {
		args[i] = c.here(service, args[i])
	}
	cmd := exec.Command(filepath.Join(c.programs, args[0]), args[1:]...)
	cmd.Env = []string{"TMPDIR=" + os.TempDir()}
	for name, value := range s.Environment {
		cmd.Env = append(cmd.Env, name+"="+c.here(service, value))
	}
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	require.NoError(c.t, cmd.Start())
	return cmd, &output
}

// up starts services, and ends them as compose does.
func (c *town) up(services ...string) (down func()) {
	type started struct {
		name   string
		cmd    *exec.Cmd
		output *bytes.Buffer
	}
	var all []started
	for _, name := range services {
		cmd, output := c.run(name)
		all = append(all, started{name, cmd, output})
	}
	return func() {
		for _, s := range slices.Backward(all) {
			assert.NoError(c.t, s.cmd.Process.Signal(syscall.SIGTERM))
			timer := time.AfterFunc(30*time.Second, func() { _ = s.cmd.Process.Kill() })
			assert.NoError(c.t, s.cmd.Wait(), "%s: %s", s.name, s.output)
			timer.Stop()
		}
	}
}

// answers waits for an HTTP service of the file to answer 200, and returns what.
func (c *town) answers(address, path string) string {
	c.t.Helper()
	here := c.addresses[address]
	require.NotEmpty(c.t, here, "%s in %v", address, c.addresses)
	body := ""
	require.Eventually(c.t, func() bool {
		ctx, cancel := context.WithTimeout(c.t.Context(), 5*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+here+path, nil)
		require.NoError(c.t, err)
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		body = string(text)
		return err == nil && res.StatusCode == http.StatusOK
	}, 20*time.Second, 50*time.Millisecond, "%s%s", address, path)
	return body
}

// healthy runs a service's health check in its environment.
func (c *town) healthy(service string) {
	c.t.Helper()
	test := c.services[service].HealthCheck.Test
	require.Equal(c.t, "CMD", test[0])
	cmd, output := c.run(service, test[1:]...)
	assert.NoError(c.t, cmd.Wait(), "%s: %s", service, output)
}

// TestCompose runs the fleet of docker-compose.yml.
func TestCompose(t *testing.T) {
	t.Parallel()
	c := newTown(t, nil)
	down := c.up("issuer", "refresher-1", "refresher-2", "webservice-1", "webservice-2", "webservice-3")
	defer down()
	for i := 1; i <= 3; i++ {
		assert.Contains(t, c.answers(fmt.Sprintf("webservice-%d:8081", i), "/"), "A tenant of cli_compose")
	}
	for _, refresher := range []string{"refresher-1", "refresher-2"} {
		c.answers(refresher+":8080", "/readyz")
		c.healthy(refresher)
	}
	assert.JSONEq(t, `{"calls":1,"rotations":1,"refused":0}`, c.answers("issuer:9090", "/_stats"))
}

// TestComposeWithARealApp runs the profile for real credentials, which here are the
// lookalike's.
func TestComposeWithARealApp(t *testing.T) {
	t.Parallel()
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("not-a-secret\n"), 0o600))
	c := newTown(t, map[string]string{"FEISHU_APP_ID": "cli_compose", "FEISHU_APP_SECRET_PATH": secret, "FEISHU_BASE_URL": "http://issuer:9090"})
	for _, s := range []string{"feishu-refresher", "feishu-webservice"} {
		require.Equal(t, []string{"feishu"}, c.services[s].Profiles)
	}
	down := c.up("issuer", "feishu-refresher", "feishu-webservice")
	defer down()
	assert.Contains(t, c.answers("feishu-webservice:8081", "/"), "A tenant of cli_compose")
	c.answers("feishu-refresher:8080", "/readyz")
	c.healthy("feishu-refresher")
}

// monitored runs the issuer and the services of the profile for monitoring.
func monitored(t *testing.T) (c *town, down func()) {
	t.Helper()
	c = newTown(t, nil)
	down = c.up("issuer", "service-1", "service-2")
	for _, s := range []string{"service-1", "service-2"} {
		require.Equal(t, []string{"monitoring"}, c.services[s].Profiles)
		c.answers(s+":8080", "/readyz")
	}
	return c, down
}

// TestComposeMonitoring runs the services that the profile monitoring has something to look at by.
func TestComposeMonitoring(t *testing.T) {
	t.Parallel()
	c, down := monitored(t)
	defer down()
	for _, s := range []string{"service-1", "service-2"} {
		assert.Contains(t, c.answers(s+":8080", "/"), "All 2 credentials are well.")
		c.healthy(s)
	}
	assert.JSONEq(t, `{"calls":2,"rotations":2,"refused":0}`, c.answers("issuer:9090", "/_stats"))
	status, body := ask(t.Context(), http.DefaultClient, "http://"+c.addresses["service-1:8081"]+"/v1/tokens/reports", c.services["service-1"].Environment["VISITOR_SECRET"])
	assert.Equal(t, http.StatusOK, status, body)

	// The file as it is, with the names that only compose knows.
	check := exec.Command(filepath.Join(c.programs, "onetoken"), "refresher", "--config", "../../deploy/prometheus/compose/onetoken.yaml", "--check")
	for name, value := range c.services["service-2"].Environment {
		check.Env = append(check.Env, name+"="+value)
	}
	says, err := check.CombinedOutput()
	assert.NoError(t, err, "%s", says)
	assert.Contains(t, string(says), "the configuration is good")
}

// TestComposePrometheus has Debian's Prometheus scrape these services and load the rules, by the file and the flags that
// compose gives to another one.
func TestComposePrometheus(t *testing.T) {
	t.Parallel()
	prometheus := need(t, "prometheus")
	c, down := monitored(t)
	defer down()
	var args []string
	c.mounted("prometheus", "deploy/prometheus/rules.yml", "/etc/prometheus/rules.yml") // which the other file names
	for _, arg := range c.services["prometheus"].Command {
		args = append(args, strings.Replace(c.here("prometheus", arg), "=/prometheus", "="+t.TempDir(), 1))
	}
	address := freeAddress(t)
	cmd := exec.Command(prometheus, append(args, "--web.listen-address="+address)...)
	output := &redistest.Output{}
	cmd.Stdout, cmd.Stderr = output, output
	require.NoError(t, cmd.Start())
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	c.addresses["prometheus:9090"] = address
	require.Eventually(t, func() bool {
		return strings.Count(c.answers("prometheus:9090", "/api/v1/targets"), `"health":"up"`) == 2
	}, time.Minute, 500*time.Millisecond, "%s", output)
	assert.Contains(t, c.answers("prometheus:9090", "/api/v1/rules"), `"name":"OnetokenNoToken"`)
}
