package interop_test

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/interop"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// What a Cache has stored on a real Redis, of Feishu's credential, opens in other languages as
// docs/interop.md says: by the app id, the base URL and the secret, and by nothing else.
func TestReadersOpenARealRecord(t *testing.T) {
	t.Parallel()
	const secret = "a secret, ключ"
	issuer := feishutest.New(feishutest.Config{AppID: "cli_interop", AppSecret: "secret-of-cli_interop"})
	feishu, err := fetcher.NewFeishu(fetcher.FeishuConfig{AppID: issuer.AppID(), AppSecret: tokencache.NewSecret(issuer.AppSecret()), Transport: issuer.RoundTripper()})
	require.NoError(t, err)
	oneKind, err := tokencache.NewCredential(tokencache.CredentialConfig{Issuer: "acme", App: "client 1", Public: []string{"https://acme.example/token", "read write"}, Secret: []tokencache.Secret{tokencache.NewSecret(secret)}})
	require.NoError(t, err)
	server := redistest.StartServer(t)
	rdb := server.Client(t)
	for name, c := range map[string]struct {
		fetcher        tokencache.Fetcher
		public, secret []string
	}{
		"feishu": {feishu, []string{"feishu", "cli_interop", "https://open.feishu.cn"}, []string{"secret-of-cli_interop"}},
		"one kind of token": {
			tokencache.FetchFunc(oneKind, func(context.Context) (tokencache.Token, error) {
				return tokencache.NewToken("tøken", "", time.Hour), nil
			}),
			[]string{"acme", "client 1", "https://acme.example/token", "read write"}, []string{secret},
		},
	} {
		cache, err := tokencache.New(rdb, tokencache.Config{Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		source := cache.Source(c.fetcher)
		tok, err := source.Get(t.Context())
		require.NoError(t, err)
		require.NoError(t, cache.Close())

		left := time.Until(tok.Expiry()).Milliseconds() // of the document, however long the readers take
		d := documentOf(t, rdb, source.ID(), c.public, c.secret)
		assertDocumented(t, rdb, source.ID(), c.public[2])
		for _, r := range readers(t) {
			got, refused := r.open(t, d)
			assert.Empty(t, refused, "%s in %s", name, r.name)
			assert.Equal(t, source.ID(), got.ID, "%s in %s", name, r.name)
			assert.Equal(t, tok.AppAccessToken(), got.App)
			assert.Equal(t, tok.TenantAccessToken(), got.Tenant)
			assert.Positive(t, got.Remaining)
			assert.LessOrEqual(t, got.Remaining, left+1000)

			wrong := d
			wrong.ID, wrong.Secret = "", []string{"of-yesterday"}
			_, refused = r.open(t, wrong)
			assert.NotEmpty(t, refused, "%s in %s, with a wrong secret", name, r.name)
		}
	}
}

// assertDocumented wants every field of a record to stand in the table, and the issuer's URL as it
// is said there.
func assertDocumented(t *testing.T, rdb *redis.Client, id, url string) {
	t.Helper()
	contract, err := os.ReadFile("../../docs/interop.md")
	require.NoError(t, err)
	_, table, _ := strings.Cut(string(contract), "## The record")
	table, _, _ = strings.Cut(table, "## The seal")
	fields, err := rdb.HGetAll(t.Context(), "onetoken:{"+id+"}:token").Result()
	require.NoError(t, err)
	for name := range fields {
		assert.Contains(t, table, "`"+name+"`")
	}
	assert.Equal(t, url, fields["issuer_url"])
}

// documentOf is the record as it stands in Redis.
func documentOf(t *testing.T, rdb *redis.Client, id string, public, secret []string) interop.Document {
	t.Helper()
	key := "onetoken:{" + id + "}:token"
	fields, err := rdb.HGetAll(t.Context(), key).Result()
	require.NoError(t, err)
	ttl, err := rdb.PTTL(t.Context(), key).Result()
	require.NoError(t, err)
	at, err := rdb.Time(t.Context()).Result()
	require.NoError(t, err)
	pttl, now := ttl.Milliseconds(), at.UnixMilli()
	return interop.Document{
		Public: public, Secret: secret, ID: id, PTTL: &pttl, Now: &now,
		Record: interop.Record{Sealed: fields["sealed"], Fingerprint: fields["fingerprint"], Life: fields["life"], Sum: fields["sum"], EndsAt: fields["ends_at"]},
	}
}
