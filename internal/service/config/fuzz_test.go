package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onetoken-go/onetoken/internal/service/config"
)

// Whatever stands in the file: no panic, either a Config or a bounded error, and nothing in it of what
// stands in the files and variables that it names.
func FuzzRead(f *testing.F) {
	example, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "onetoken.yaml"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(example)
	for _, seed := range []string{
		"", empty, crm, door("{name: a, secret_file: client, uid: 7, credentials: [crm], may: [get], rate: 1e3}"), asClient + "params: {a: b}, scopes: [x]}",
		atGateway("{name: a, secret_file: client, credentials: [crm], may: [ws]}", "{name: b, secret_env: CLIENT, cert: {san: x}, uid: 7, credentials: [b, crm, m2m], may: [get, user_tokens]}"),
		"redis: {url_file: app, tls: {ca_file: app, cert_file: app, key_file: client}}", "redis: {url_env: APP}\n<<: &a *a", "\ufeff---\n? [a, b]\n: !!binary x",
		"credentials: [{kind: feishu, app_id: cli_1, app_secret_env: APP, base_url: APP, proxy_url_file: app}]", "a: {b: [{}, [[]]]}\n...\n", "- \t- x\n", "a: |\n  b\n",
		"status: {listen: '[::1%25eth0]:00', socket_mode: 0660}", "%YAML 1.2\n---\n\"\\x41\": 'b'\n",
	} {
		f.Add([]byte(seed))
	}
	s := newStage(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		path := filepath.Join(s.dir, "onetoken.yaml")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Read(t.Context(), path, s.getenv)
		if (c == nil) == (err == nil) {
			t.Fatalf("%v and %v", c, err)
		}
		if err == nil {
			return
		}
		if _, ok := errors.AsType[config.Complaints](err); !ok {
			t.Fatalf("%T", err)
		}
		told := err.Error()
		if strings.Count(told, "\n") > 100 || len(told) > 100*1000 {
			t.Fatalf("%d bytes are told", len(told))
		}
		for _, secret := range []string{appSecret, clientSecret, password} {
			if !strings.Contains(string(raw), secret) && strings.Contains(told, secret) {
				t.Fatal("a secret is told")
			}
		}
	})
}
