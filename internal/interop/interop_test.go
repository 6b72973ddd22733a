package interop_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/interop"
	"github.com/onetoken-go/onetoken/internal/redistest"
)

// reader is a program that opens a Document, in another language.
type reader struct {
	name    string
	command []string
}

// opened is what a reader prints.
type opened struct {
	ID        string `json:"id"`
	Digest    string `json:"digest"`
	App       string `json:"app_access_token"`
	Tenant    string `json:"tenant_access_token"`
	Remaining int64  `json:"remaining_ms"`
}

func readers(t *testing.T) []reader {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "node is not installed: it comes with Debian's nodejs")
	}
	return []reader{{"node", []string{node, "open.mjs"}}, {"python", []string{python(t), "open.py"}}}
}

// python finds one that has the package: the first in PATH need not be Debian's.
func python(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if exec.Command(name, "-c", "import cryptography").Run() == nil {
			return name
		}
	}
	missing(t, "python3 with the package cryptography is not installed: it comes with Debian's python3-cryptography")
	return ""
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv(redistest.RequireEnv) == "1" {
		t.Fatal(what + "; " + redistest.RequireEnv + "=1 wants it")
	}
	t.Skip(what)
}

// open returns what the reader printed, or the reason for which it refused. It tells
// nothing else, and never a secret.
func (r reader) open(t *testing.T, d interop.Document) (opened, string) {
	t.Helper()
	document, err := json.Marshal(d)
	require.NoError(t, err)
	return r.run(t, document)
}

func (r reader) run(t *testing.T, document []byte) (opened, string) {
	t.Helper()
	var stdout, stderr strings.Builder
	command := exec.Command(r.command[0], r.command[1:]...)
	command.Stdin, command.Stdout, command.Stderr = bytes.NewReader(document), &stdout, &stderr
	if err := command.Run(); err != nil {
		require.IsType(t, &exec.ExitError{}, err)
		assert.Equal(t, 1, command.ProcessState.ExitCode())
		assert.Empty(t, stdout.String())
		reason, refused := strings.CutPrefix(strings.TrimSpace(stderr.String()), "refused: ")
		assert.True(t, refused, stderr.String())
		return opened{}, reason
	}
	assert.Empty(t, stderr.String())
	var o opened
	require.NoError(t, json.Unmarshal([]byte(stdout.String()), &o), stdout.String())
	return o, ""
}

func vectors(t *testing.T) interop.Vectors {
	t.Helper()
	v, err := interop.Read("../../docs/interop.json")
	require.NoError(t, err)
	return v
}

func TestReadersOpenVectors(t *testing.T) {
	all := readers(t)
	for _, v := range vectors(t).Vectors {
		for _, r := range all {
			t.Run(r.name+": "+v.Name, func(t *testing.T) {
				t.Parallel()
				d := interop.Document{Public: v.Public, Secret: v.Secret, Record: v.Record}
				want := opened{ID: v.ID, Digest: v.Digest, App: v.App, Tenant: v.Tenant}
				got, refused := r.open(t, d)
				assert.Empty(t, refused)
				assert.Equal(t, want, got)
				d.ID = v.ID
				got, refused = r.open(t, d)
				assert.Empty(t, refused)
				assert.Equal(t, want, got)
			})
		}
	}
}

func TestReadersRefuse(t *testing.T) {
	all := readers(t)
	for _, v := range vectors(t).Refused {
		t.Run(v.Why, func(t *testing.T) {
			t.Parallel()
			var reasons []string
			for _, r := range all {
				got, refused := r.open(t, v.Document)
				assert.NotEmpty(t, refused, r.name)
				assert.Empty(t, got, r.name)
				reasons = append(reasons, refused)
			}
			assert.Equal(t, reasons[0], reasons[1], "for the same reason")
		})
	}
}

// What the seal does not vouch for, because scripts change it: how long the token lasts.
func TestReadersBoundWhatRemains(t *testing.T) {
	all := readers(t)
	v := vectors(t).Vectors[0] // lives for 2 h
	const now = 1_800_000_000_000
	for _, test := range []struct {
		name    string
		pttl    int64
		endsAt  string
		want    int64
		refused string
	}{
		{"the TTL is shorter", 3_600_000, "1800003600001", 3_600_000, ""},
		{"the end is sooner: somebody has prolonged the key", 7_200_000, "1800000000001", 1, ""},
		{"all of its life", 7_200_000, "1800007200000", 7_200_000, ""},
		{"no TTL", -1, "1800003600000", 0, "no TTL, or no record"},
		{"no key", -2, "1800003600000", 0, "no TTL, or no record"},
		{"TTL beyond life", 7_200_001, "1800003600000", 0, "TTL beyond life"},
		{"at its end", 3_600_000, "1800000000000", 0, "past its end"},
		{"end beyond life", 3_600_000, "1800007200001", 0, "end beyond life"},
		{"end with a leading zero", 3_600_000, "01800003600000", 0, "ends_at is no number"},
	} {
		for _, r := range all {
			t.Run(r.name+": "+test.name, func(t *testing.T) {
				t.Parallel()
				d := interop.Document{Public: v.Public, Secret: v.Secret, Record: v.Record, PTTL: new(test.pttl), Now: new(int64(now))}
				d.Record.EndsAt = test.endsAt
				got, refused := r.open(t, d)
				assert.Equal(t, test.refused, refused)
				assert.Equal(t, test.want, got.Remaining)
			})
		}
	}
}

// I5: what is no document is refused without a word of it.
func TestI5ReadersQuoteNothing(t *testing.T) {
	all := readers(t)
	const secret = "20406080"
	for name, document := range map[string]string{
		"no JSON":        `{"secret": ["` + secret + `"]`,
		"a bare word":    secret + "x",
		"a number":       `{"public": ["a", "b"], "secret": [` + secret + `], "record": {}}`,
		"no list":        `{"public": ["a", "b"], "secret": {"x": ` + secret + `}, "record": {}}`,
		"no record":      `{"public": ["a", "b"], "secret": ["` + secret + `"]}`,
		"no public part": `{"secret": ["` + secret + `"], "record": {}}`,
		"no secret":      `{"public": ["` + secret + `", ""], "secret": [""], "record": {}}`,
		"numbers":        `{"public": ["a", "b"], "secret": ["` + secret + `"], "record": {"sealed": ` + secret + `, "fingerprint": ` + secret + `, "life": ` + secret + `}}`,
	} {
		for _, r := range all {
			t.Run(r.name+": "+name, func(t *testing.T) {
				t.Parallel()
				got, refused := r.run(t, []byte(document))
				assert.NotEmpty(t, refused)
				assert.NotContains(t, refused, secret)
				assert.Empty(t, got)
			})
		}
	}
}

// docs/interop.md goes through the first vector.
func TestPageShowsTheFirstVector(t *testing.T) {
	page, err := os.ReadFile("../../docs/interop.md")
	require.NoError(t, err)
	v := vectors(t).Vectors[0]
	for name, value := range map[string]string{
		"digest": v.Digest, "key": v.Key, "id": v.ID, "plaintext": v.Plaintext, "fingerprint": v.Record.Fingerprint, "life": v.Record.Life,
		"additional data": v.AdditionalData.Record, "nonce": v.Nonces.Record, "sealed": v.Record.Sealed, "sum": v.Record.Sum,
	} {
		assert.Regexp(t, `(?m)^    `+name+` +`+regexp.QuoteMeta(value)+`$`, string(page))
	}
}
