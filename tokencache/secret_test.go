package tokencache_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"text/template"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// I5: with every fault there is, nothing that a fleet says holds the app secret,
// a token or the password of Redis, in whatever spelling.
func TestI5SecretsNeverAppear(t *testing.T) {
	virtual(t, feishutest.Config{AppSecret: sharpSecret, Latency: 100 * time.Millisecond}, func(t *testing.T, f *fleet) {
		f.redis.Server().RequireAuth(redisPassword)
		var said collector
		speaks := func(c *replicaConfig) {
			c.cache.Logger = said.logger()
			c.cache.Observe = said.event
			c.redis = append(c.redis, func(o *redis.Options) { o.Password = redisPassword })
		}
		replicas := f.start(3, speaks)
		echo := fmt.Sprintf(`{"app_id":"cli_test","app_secret":%s}`, strconv.Quote(sharpSecret))

		use := func(r *replica) {
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			defer cancel()
			tok, err := r.source.Get(ctx)
			said.error(err)
			said.value(tok)
			status, err := r.source.Status(ctx)
			said.error(err)
			said.value(status)
			if status.Failure != nil {
				said.error(status.Failure)
			}
			_, _, err = r.source.Refresh(ctx)
			said.error(err)
			if !tok.IsZero() {
				said.error(r.source.Invalidate(ctx, tok))
				_, err = r.source.Get(ctx)
				said.error(err)
			}
		}
		everybody := func() {
			together(f.replicas, use)
			time.Sleep(7 * time.Minute)
		}
		everybody()
		wrong := f.replica(speaks, func(c *replicaConfig) { c.secret = "of-yesterday" })
		f.start(1, speaks, func(c *replicaConfig) {
			c.redis = append(c.redis, func(o *redis.Options) { o.Password = redisPassword + "wrong" })
		})
		f.start(1, speaks, func(c *replicaConfig) {
			c.fetcher = tokencache.FetchFunc(tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "panics", App: "a"}), func(context.Context) (tokencache.Token, error) {
				panic(sharpSecret)
			})
		})
		everybody()
		wrong.stop() // what follows repeats a secret that is not its own
		for _, fault := range []feishutest.Fault{
			feishutest.Refusal(77777, "cannot read "+echo), feishutest.Refusal(10003, url.QueryEscape(sharpSecret)),
			feishutest.Answer(200, map[string][]string{"X-Tt-Logid": {sharpSecret}}, `{"code":10014,"msg":"no `+strings.ReplaceAll(sharpSecret, `"`, `\"`)+`"}`),
			feishutest.Answer(500, nil, echo), feishutest.Answer(200, nil, echo), feishutest.Status(502),
			feishutest.Redirect("https://evil.example/?s=" + url.QueryEscape(sharpSecret)),
			feishutest.HTML(), feishutest.Reset(), feishutest.Timeout(), feishutest.BrokenBody(), feishutest.LostReply(),
			feishutest.RateLimited("Retry-After", sharpSecret), feishutest.Expire(`"` + "s3cr" + `"`),
		} {
			f.issuer.SetFault(fault)
			everybody()
		}
		f.issuer.SetFault(feishutest.Fault{})
		for _, fault := range []func(*redistest.Link){
			(*redistest.Link).Cut, (*redistest.Link).Down, (*redistest.Link).Heal,
			func(l *redistest.Link) { l.Silence(true) }, (*redistest.Link).Heal,
			func(l *redistest.Link) { l.BlackHole(true); l.Cut() }, (*redistest.Link).Heal,
			func(l *redistest.Link) { l.DropReplies(3, script("publish")) }, (*redistest.Link).Heal,
			func(l *redistest.Link) {
				l.Fail("OOM command not allowed when used memory > 'maxmemory'.", script("publish"))
			}, (*redistest.Link).Heal,
			func(l *redistest.Link) { l.Fail("READONLY You can't write against a read only replica.", nil) }, (*redistest.Link).Heal,
			func(l *redistest.Link) { l.Fail("NOPERM this user has no permissions", redistest.Commands("PUBLISH")) }, (*redistest.Link).Heal,
		} {
			f.redis.Each(fault)
			everybody()
		}
		admin := f.redis.Client("admin", func(o *redis.Options) { o.Password = redisPassword })
		for _, k := range []string{"token", "failure", "lock"} {
			name := "onetoken:{" + said.key() + "}:" + k
			require.NoError(t, admin.Del(t.Context(), name).Err())
			require.NoError(t, admin.Set(t.Context(), name, sharpSecret, 20*time.Minute).Err())
			everybody()
			require.NoError(t, admin.Del(t.Context(), name).Err())
		}
		everybody()
		f.close()
		f.replicas = nil
		use(replicas[0]) // and what is said after it
		synctest.Wait()  // fmt reads fields without their locks: nobody may write them now
		said.value(replicas[0].source)
		said.value(replicas[0].cache)

		text := said.text()
		require.Greater(t, len(text), 100_000)
		for _, word := range []string{"10014", "OOM", "READONLY", "WRONGTYPE", "panicked", "timeout"} {
			assert.True(t, strings.Contains(text, word), "the fault of %s was there", word)
		}
		for _, pair := range f.issuer.Pairs() {
			assertUnspoken(t, text, pair.App)
			assertUnspoken(t, text, pair.Tenant)
		}
		assertUnspoken(t, text, sharpSecret)
		assertUnspoken(t, text, redisPassword)
	})
}

// I5: nothing of ours that holds a secret or a token prints it, not by a wrong verb, nor as the
// unexported field of a struct, where fmt calls no method, nor in the diff of a failed test.
func TestI5NothingOfOursPrintsASecret(t *testing.T) {
	const sealSecret = "0123456789abcdef0123456789abcdefQQ"
	app, tenant := `a-Jw8/+="<x>%41'~fPq2`, `t-Vn5/+="<x>%41'~kRt9`
	none := roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("no answer") })

	credentialConfig := tokencache.CredentialConfig{
		Issuer: "x", App: "cli_a", Secret: []tokencache.Secret{tokencache.NewSecret(sharpSecret)}, SealSecret: tokencache.NewSecret(sealSecret),
	}
	credential := tokencache.MustCredential(credentialConfig)
	feishuConfig := fetcher.FeishuConfig{AppID: "cli_a", AppSecret: tokencache.NewSecret(sharpSecret), Transport: none}
	feishu, err := fetcher.NewFeishu(feishuConfig)
	require.NoError(t, err)
	tok := tokencache.NewToken(app, tenant, time.Hour)
	fetch := tokencache.FetchFunc(credential, func(context.Context) (tokencache.Token, error) { return tok, nil })
	texts := map[string]string{

		"Secret":           printed(tokencache.NewSecret(sharpSecret)),
		"CredentialConfig": printed(credentialConfig),
		"Credential":       printed(credential),
		"Token":            printed(tok),
		"FetchFunc":        printed(fetch),
		"FeishuConfig":     printed(feishuConfig),
		"Feishu":           printed(feishu),
		"Feishu by value":  printed(*feishu),
	}
	synctest.Test(t, func(t *testing.T) {
		cache, err := tokencache.New(redistest.NewBubble(t).Client("a"), tokencache.Config{})
		require.NoError(t, err)
		source := cache.Source(fetch)
		_, err = source.Get(t.Context())
		require.NoError(t, err)
		config := bearer.Config{Source: source, Hosts: []string{"open.feishu.cn"}, Base: none}
		transport, err := bearer.New(config)
		require.NoError(t, err)
		require.NoError(t, cache.Close())
		synctest.Wait() // fmt reads fields without their locks: nobody may write them now
		texts["Cache"], texts["Source"] = printed(cache), printed(source)
		texts["bearer.Config"], texts["bearer.Transport"] = printed(config), printed(transport)
	})
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			require.Greater(t, len(text), 1000)
			for _, secret := range []string{sharpSecret, sealSecret, tokencache.SealKey(credential), app, tenant} {
				assertUnspoken(t, text, secret)
			}
		})
	}
}

func TestSecret(t *testing.T) {
	secret := tokencache.NewSecret(sharpSecret)
	assert.Equal(t, sharpSecret, secret.Reveal())
	assert.False(t, secret.IsZero())
	assert.Equal(t, "secret(...)", secret.String())
	for _, verb := range []string{"%v", "%#v", "%x"} {
		assert.Equal(t, "secret(...)", fmt.Sprintf(verb, secret))
	}
	inJSON, err := json.Marshal(struct{ Secret tokencache.Secret }{secret})
	require.NoError(t, err)
	assert.Equal(t, `{"Secret":"secret(...)"}`, string(inJSON))

	for _, zero := range []tokencache.Secret{{}, tokencache.NewSecret("")} {
		assert.True(t, zero.IsZero())
		assert.Empty(t, zero.Reveal())
		assert.Equal(t, "secret()", zero.String())
	}
}

// withHidden is a struct of a user's, whose field no method is called of.
type withHidden[T any] struct {
	name  string
	value T
	ptr   *T
	Open  T
}

// printed is v in every way in which a value is printed, alone and as part of others.
func printed[T any](v T) string {
	var b bytes.Buffer
	logger := slog.New(slog.NewTextHandler(&b, nil))
	inJSON := slog.New(slog.NewJSONHandler(&b, nil))
	within := withHidden[T]{"x", v, &v, v}
	for _, value := range []any{v, &v, within, &within, []T{v}, []*T{&v}, map[string]T{"x": v}, []any{v, &v}, struct{ Any any }{v}} {
		for _, verb := range verbs {
			_, _ = fmt.Fprintf(&b, verb+"\n", value)
		}
		_, _ = fmt.Fprintln(&b, value)
		b.WriteString(fmt.Errorf("with %v: %w", value, errors.New("refused")).Error())
		logger.Info("text", "v", value, slog.Group("group", "v", value))
		inJSON.Info("JSON", "v", value, slog.Group("group", "v", value))
		_ = json.NewEncoder(&b).Encode(value) // may fail, may not tell
		_ = xml.NewEncoder(&b).Encode(value)
		_ = gob.NewEncoder(&b).Encode(value)
		_ = template.Must(template.New("").Parse("{{.}} {{printf `%p` .}}")).Execute(&b, value)
	}
	var failed recorder
	var zero T
	assert.Equal(&failed, v, zero)
	assert.Equal(&failed, within, withHidden[T]{})
	assert.Equal(&failed, []T{v}, []T{})
	assert.ElementsMatch(&failed, []any{v, within}, []any{})
	assert.Nil(&failed, within)
	assert.Empty(&failed, within)
	assert.EqualExportedValues(&failed, within, withHidden[T]{})
	b.WriteString(failed.text.String())
	return b.String()
}
