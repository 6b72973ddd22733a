package wire

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/interop"
)

func vectors(t testing.TB) interop.Vectors {
	t.Helper()
	v, err := interop.Read("../../docs/interop.json")
	require.NoError(t, err)
	require.NotEmpty(t, v.Vectors)
	require.NotEmpty(t, v.Refused)
	return v
}

func plainSeal(t testing.TB, key, nonce []byte, plain, data string) string {
	t.Helper()
	block, err := aes.NewCipher(key)
	require.NoError(t, err)
	gcm, err := cipher.NewGCM(block)
	require.NoError(t, err)
	return base64.RawURLEncoding.EncodeToString(append(bytes.Clone(nonce), gcm.Seal(nil, nonce, []byte(plain), []byte(data))...))
}

// framed writes parts as docs/interop.md has it.
func framed(parts ...string) (s string) {
	for _, p := range parts {
		s += fmt.Sprintf("%d:%s", len(p), p)
	}
	return s
}

// sealed is one of each kind, with what it takes to open it.
type sealed struct {
	id, fp, app, tenant      string
	life                     time.Duration
	at                       TokenTimes
	rejected                 time.Time
	record, token, rejection string
}

// open opens all three, and fails the test if only some open.
func (x sealed) open(t testing.TB, s Sealer) (records, tokens, rejections bool) {
	t.Helper()
	app, tenant, err := s.OpenRecord(x.id, x.fp, x.life, x.record)
	records = err == nil
	assert.True(t, !records || app == x.app && tenant == x.tenant)
	app, tenant, err = s.OpenToken(x.id, x.fp, x.life, x.at, x.token)
	tokens = err == nil
	assert.True(t, !tokens || app == x.app && tenant == x.tenant)
	return records, tokens, s.OpenRejection(x.id, x.fp, x.rejected, x.rejection) == nil
}

func someSealed(t testing.TB, app, tenant string) (sealed, Sealer) {
	t.Helper()
	digest, s := Derive(somePublic, someSecret)
	x := sealed{
		id: "feishu:cli_test:" + digest, fp: Fingerprint(app, tenant), app: app, tenant: tenant,
		life: 2 * time.Hour, rejected: storedAt.Add(time.Minute),
		at: TokenTimes{StoredAt: storedAt, CheckedAt: storedAt.Add(-140 * time.Millisecond), EndsAt: storedAt.Add(2 * time.Hour)},
	}
	var errs [3]error
	x.record, errs[0] = s.SealRecord(x.id, app, tenant, x.life)
	x.token, errs[1] = s.SealToken(x.id, app, tenant, x.life, x.at)
	x.rejection, errs[2] = s.SealRejection(x.id, x.fp, x.rejected)
	for _, err := range errs {
		require.NoError(t, err)
	}
	return x, s
}

var (
	somePublic = []string{"feishu", "cli_test", "https://open.feishu.cn"}
	someSecret = []string{"the-secret-of-the-app"}
	storedAt   = time.UnixMilli(1_800_000_000_000)
)
