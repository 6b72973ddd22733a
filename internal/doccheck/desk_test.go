//go:build unix

package doccheck_test

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/doccheck"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

const (
	onePage  = 3 * time.Minute // until it is given up
	checkout = "onetoken"      // the folder at the desk
)

// desk is what readers have who follow a page: a checkout, a Redis, a shell; and no network beyond this
// host. An address of a page that may be another's here is replaced, in the checkout too, and so is what
// a page leaves to the reader.
type desk struct {
	dir   string // for all of it
	redis *redistest.Server
	web   *web
	here  *strings.Replacer
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	dir, err := os.MkdirTemp("", "desk") // TempDir's path is too long for a socket
	require.NoError(t, err)
	d := &desk{dir: dir, redis: redistest.StartServer(t), web: newWeb(t)}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	free := func() string { return fmt.Sprintf("127.0.0.1:%d", redistest.FreePort(t)) }
	status := free()
	d.here = strings.NewReplacer(
		"127.0.0.1:6379", d.redis.Addr(),
		"127.0.0.1:8080", status, "10.0.0.2:8080", status,
		"127.0.0.1:8081", free(), "127.0.0.1:8082", free(), "127.0.0.1:9090", free(),
		"FEISHU_APP_ID=cli_...", "FEISHU_APP_ID=cli_try", "FEISHU_APP_SECRET=...", "FEISHU_APP_SECRET="+appSecret,
		"OAUTH2_CLIENT_ID=...", "OAUTH2_CLIENT_ID=m2m", "OAUTH2_CLIENT_SECRET=...", "OAUTH2_CLIENT_SECRET="+appSecret,
	)
	require.NoError(t, os.Mkdir(filepath.Join(dir, "bin"), 0o700))
	d.write(t, "bin/docker", "#!/bin/sh\n# Redis runs already.\ncase $* in 'compose up -d redis' | 'compose rm -sf redis') ;; *) exit 1 ;; esac\n", 0o700)
	d.checkOut(t)
	d.must(t, checkout, "go", "build", "-o", filepath.Join(dir, "bin"), "./cmd/onetoken")
	return d
}

// secrets are files in the folder work.
var secrets = map[string]string{"crm": appSecret, "bot": "bot-0123456789abcdef", "billing": "billing-0123456789abcdef"}

// tidy leaves nothing to a page of what the page before it has made.
func (d *desk) tidy(t *testing.T) {
	t.Helper()
	d.redis.Exec("FLUSHALL")
	d.must(t, checkout, "git", "clean", "-fdxq")
	d.must(t, checkout, "git", "checkout", "-q", ".")
	require.NoError(t, os.RemoveAll(filepath.Join(d.dir, "work")))
	require.NoError(t, os.Mkdir(filepath.Join(d.dir, "work"), 0o700))
	for name, secret := range secrets {
		d.write(t, "work/"+name, secret+"\n", 0o600)
	}
}

func (d *desk) write(t *testing.T, name, text string, mode fs.FileMode) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(d.dir, name), []byte(text), mode))
}

// checkOut copies what git knows, and what it does not ignore, and has git know the copy.
func (d *desk) checkOut(t *testing.T) {
	t.Helper()
	for name := range repository(t).Files {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			continue // a folder
		}
		if strings.HasPrefix(name, "cmd/") || strings.HasPrefix(name, "examples/") {
			text = []byte(d.here.Replace(string(text)))
		}
		file := filepath.Join(d.dir, checkout, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o700))
		require.NoError(t, os.WriteFile(file, text, 0o700))
	}
	d.must(t, checkout, "git", "init", "-q")
	d.must(t, checkout, "git", "add", "-A")
	d.must(t, checkout, "git", "-c", "user.name=reader", "-c", "user.email=reader@example.com", "commit", "-q", "-m", "as it is")
}

func (d *desk) must(t *testing.T, folder, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env = filepath.Join(d.dir, folder), d.environment()
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// environment is the test's, without what is somebody's own. A clone is one of the checkout, no module is
// fetched, and builds of one checkout do for another.
func (d *desk) environment() (env []string) {
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if !regexp.MustCompile(`^(ONETOKEN|FEISHU|OAUTH2|REDIS|GO[A-Z]*FLAGS$|LISTEN$|SSL_CERT|CURL_CA)|(?i:proxy)$`).MatchString(name) {
			env = append(env, variable)
		}
	}
	return append(
		env, "PATH="+filepath.Join(d.dir, "bin")+":"+os.Getenv("PATH"),
		"GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=url."+filepath.Join(d.dir, checkout)+".insteadOf", "GIT_CONFIG_VALUE_0=https://github.com/onetoken-go/onetoken",
		"GOBIN="+filepath.Join(d.dir, "bin"), "GOFLAGS=-trimpath -buildvcs=false", "GOPROXY=off", "GOSUMDB=off", "GOWORK=off", "GOTOOLCHAIN=local",
		"HTTPS_PROXY="+d.web.Proxy, "SSL_CERT_FILE="+d.web.Authority, "CURL_CA_BUNDLE="+d.web.Authority, "LC_ALL=C", "TERM=dumb",
	)
}

// said is a statement, and what it printed on standard output.
type said struct {
	doccheck.Statement
	Output string
}

// run has one shell execute all statements in order, each as the page has it but for addresses, and stops
// at the first that fails. Then it ends what these have left running.
func (d *desk) run(t *testing.T, statements []doccheck.Statement) (all []said, err error) {
	t.Helper()
	var script strings.Builder
	script.WriteString("set -eo pipefail\n")
	for i, s := range statements {
		fmt.Fprintf(&script, "printf '\\n\\036%d\\n'; echo '+ line %d' >&2\n%s\n", i, s.Line, s.Text)
	}
	ctx, cancel := context.WithTimeout(t.Context(), onePage)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", d.here.Replace(script.String()))
	cmd.Dir, cmd.Env = d.dir, d.environment()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, stderr := d.file(t, "stdout"), d.file(t, "stderr") // files, which nobody has to read to the end of
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	err = cmd.Run()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what is left of its group
	printed := d.read(t, stdout)
	if err != nil {
		return nil, fmt.Errorf("%w: %s\n%s", err, printed, d.read(t, stderr))
	}

	for _, part := range strings.Split(printed, "\n\036")[1:] {
		number, output, _ := strings.Cut(part, "\n")
		i, err := strconv.Atoi(number)
		require.NoError(t, err)
		all = append(all, said{statements[i], strings.TrimSpace(output)})
	}
	require.Len(t, all, len(statements))
	return all, nil
}

func (d *desk) file(t *testing.T, name string) *os.File {
	t.Helper()
	file, err := os.Create(filepath.Join(d.dir, name))
	require.NoError(t, err)
	t.Cleanup(func() { _ = file.Close() })
	return file
}

func (d *desk) read(t *testing.T, file *os.File) string {
	t.Helper()
	text, err := os.ReadFile(file.Name())
	require.NoError(t, err)
	return string(text)
}
