package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/config"
)

// Secrets of the tests. Nothing that is told has any of them.
const (
	appSecret    = "app-Secret-of-crm"
	clientSecret = "billing-Secret-0123456789"
	password     = "redis-Password"
	inlineSecret = "hunter2-hunter2-hunter2"
)

var secrets = []string{appSecret, clientSecret, password, inlineSecret}

// stage is a folder with a configuration file, and what it names.
type stage struct {
	t         testing.TB
	dir       string
	variables map[string]string
}

func newStage(t testing.TB) *stage {
	t.Helper()
	s := &stage{t: t, dir: t.TempDir(), variables: map[string]string{"APP": appSecret, "CLIENT": clientSecret, "PASSWORD": password}}
	s.write("app", appSecret+"\n")
	s.write("client", clientSecret+"\n")
	s.write("password", password)
	return s
}

func (s *stage) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	require.NoError(s.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func (s *stage) getenv(name string) string { return s.variables[name] }

// read has the text as the file.
func (s *stage) read(text string) (*config.Config, error) {
	s.t.Helper()
	return config.Read(s.t.Context(), s.write("onetoken.yaml", text), s.getenv)
}

// good expects no complaint.
func (s *stage) good(text string) *config.Config {
	s.t.Helper()
	c, err := s.read(text)
	require.NoError(s.t, err)
	return c
}

// fields are those of Go, which are nothing to whoever writes a file.
const fields = `AppID|AppSecret|BaseURL|TokenURL|ClientID|ClientSecret|CredentialConfig|Config\b|MaxLife|Window|Params|Scopes|Resources|Audience|Transport`

// told are the complaints, each without the name of the file, and no secret in any.
func (s *stage) told(text string) []string {
	s.t.Helper()
	c, err := s.read(text)
	if err == nil {
		return nil
	}
	require.Nil(s.t, c)
	complaints, ok := errors.AsType[config.Complaints](err)
	require.True(s.t, ok, "%T", err)
	for _, secret := range secrets {
		require.NotContains(s.t, err.Error(), secret)
	}
	require.NotRegexp(s.t, fields, err.Error(), "it is told by the keys of the file")
	var all []string
	for _, one := range complaints {
		all = append(all, strings.TrimPrefix(one.String(), one.File+":"))
	}
	return all
}

// authority signs certificates.
type authority struct {
	t    testing.TB
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	a := &authority{t: t, key: key, cert: &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}}
	der, err := x509.CreateCertificate(rand.Reader, a.cert, a.cert, key.Public(), key)
	require.NoError(t, err)
	a.cert, err = x509.ParseCertificate(der)
	require.NoError(t, err)
	return a
}

func (a *authority) pem() string { return encode("CERTIFICATE", a.cert.Raw) }

// pair is a certificate, and its key.
func (a *authority) pair(from, to time.Time) (cert, key string) {
	a.t.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a.t, err)
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(2), DNSNames: []string{"localhost"}, NotBefore: from, NotAfter: to,
	}, a.cert, own.Public(), a.key)
	require.NoError(a.t, err)
	raw, err := x509.MarshalPKCS8PrivateKey(own)
	require.NoError(a.t, err)
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", raw)
}

func (a *authority) valid() (cert, key string) {
	return a.pair(time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// Beginnings of files whose rest is tested.
const (
	crm   = "credentials: [{name: crm, kind: feishu, app_id: cli_1, app_secret_file: app}]\n"
	empty = "credentials: []\n"
)

// edge is a file, and of all that is told of it.
type edge struct {
	text string
	told []string
}

// assertTold reads each file by itself, on one stage.
func (s *stage) assertTold(edges []edge) {
	s.t.Helper()
	for _, e := range edges {
		assert.Equal(s.t, e.told, s.told(e.text), "%s", e.text)
	}
}

func assertNoSecret(t testing.TB, text string) {
	t.Helper()
	for _, secret := range secrets {
		assert.NotContains(t, text, secret)
	}
}

// quiet is for servers whose clients hang up on purpose.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
