package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

const testSecret = "p/ss+w=rd~42"

// replica is the Config of one that has a Redis and an issuer.
func replica(t *testing.T) (c Config, out *bytes.Buffer, issuer *feishutest.Issuer) {
	t.Helper()
	server := miniredis.RunT(t)
	issuer = feishutest.New(feishutest.Config{AppID: "cli_test", AppSecret: testSecret})
	web := httptest.NewServer(issuer)
	t.Cleanup(web.Close)
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr(), ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = rdb.Close() })
	out = &bytes.Buffer{}
	return Config{
		Redis: rdb, Place: "here",
		Cache:  tokencache.Config{Observe: func(tokencache.Event) {}},
		Issuer: doctorIssuer(web.URL),
		App:    "cli_test",
		Out:    out, JSON: true, Say: func(line string) { t.Error(line) },
	}, out, issuer
}

// report is what was written.
type report struct {
	Checks []finding
	OK     bool
}

func read(t *testing.T, out *bytes.Buffer) (r report) {
	t.Helper()
	require.NoError(t, json.Unmarshal(out.Bytes(), &r), out)
	assert.NotContains(t, out.String(), testSecret)
	return r
}

func TestExamineOneThatIsWell(t *testing.T) {
	t.Parallel()
	c, out, issuer := replica(t)
	require.NoError(t, Examine(t.Context(), time.Now().Add(Time), c))
	r := read(t, out)
	assert.True(t, r.OK)
	names := []string{}
	for _, f := range r.Checks {
		names = append(names, f.Name)
		assert.NotEqual(t, checkFail, f.Status, f)
	}
	assert.Equal(t, "configuration redis version role eviction permissions rehearsal events issuer clocks credentials", strings.Join(names, " "))
	assert.Equal(t, finding{Name: "configuration", Status: checkOK, Found: "app cli_test, issuer " + c.Issuer.URL + ", redis here, prefix onetoken"}, r.Checks[0])
	assert.Equal(t, 1, issuer.Stats().Calls)
}

func TestExamineOneWithAWrongSecret(t *testing.T) {
	t.Parallel()
	c, out, issuer := replica(t)
	issuer.SetAppSecret("another")
	err := Examine(t.Context(), time.Now().Add(Time), c)
	assert.ErrorContains(t, err, "check FEISHU_APP_ID and FEISHU_APP_SECRET")
	assert.ErrorContains(t, err, "; 1 check failed: credentials")
	assert.False(t, read(t, out).OK)
}

func TestExamineNothingWithComplaints(t *testing.T) {
	t.Parallel()
	c, out, issuer := replica(t)
	c.Complaints = errors.Join(errors.New("one"), errors.New("two"))
	assert.ErrorIs(t, Examine(t.Context(), time.Now().Add(Time), c), c.Complaints)
	r := read(t, out)
	require.Len(t, r.Checks, 1)
	assert.Equal(t, "one; two", r.Checks[0].Found)
	assert.Zero(t, issuer.Stats().Calls)

	out.Reset()
	c.JSON = false
	assert.Equal(t, c.Complaints, Examine(t.Context(), time.Now().Add(Time), c))
	assert.Zero(t, out.Len(), "each has a line already")
}

// Out of time is no interruption: what could not be looked at was skipped.
func TestExamineEnds(t *testing.T) {
	t.Parallel()
	c, out, _ := replica(t)
	require.NoError(t, Examine(t.Context(), time.Now(), c))
	for _, f := range read(t, out).Checks[1:] {
		assert.Equal(t, checkSkipped, f.Status, f)
	}
	ctx, interrupt := context.WithCancel(t.Context())
	interrupt()
	assert.EqualError(t, Examine(ctx, time.Now().Add(Time), c), "interrupted")
}

// doctorIssuer is a Feishu at that address.
func doctorIssuer(url string) Issuer {
	at := func(secret string, by http.RoundTripper) (Fetcher, error) {
		return fetcher.NewFeishu(fetcher.FeishuConfig{AppID: "cli_test", AppSecret: tokencache.NewSecret(secret), BaseURL: url, Transport: by})
	}
	return Issuer{
		URL: url, Variable: "FEISHU_BASE_URL", Noun: "app",
		Fetcher: func() (Fetcher, error) { return at(testSecret, nil) },
		Knock:   func(by http.RoundTripper) (Fetcher, error) { return at("none", by) },
	}
}
