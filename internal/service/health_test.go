package service

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/vault"
	"github.com/onetoken-go/onetoken/tokencache"
)

// A mistyped secret is a warning while the secret before it has a token, and no longer.
func TestNothingIsSaidToServeThatHasNoToken(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		before, typo := &app{secret: "before"}, &app{secret: "typo", err: errRefused}
		s.keep([]vault.Credential{before.named("crm")})
		time.Sleep(time.Minute)
		before.fail(errRefused) // it was revoked
		s.keep([]vault.Credential{typo.named("crm")})
		time.Sleep(time.Minute)

		status, body := s.get("/readyz")
		assert.Equal(t, 200, status)
		assert.Contains(t, body, "warning: crm as it is in the file is not in use since 2000-01-01T00:01:00Z, and the one before serves: test refused: wrong secret (code 7)")
		assert.NotContains(t, body, "has no token")
		assert.Contains(t, body, "the issuer is asked again in ")
		retry := s.Report(t.Context()).Credentials[0].Newer.Trouble.RetryIn
		assert.Positive(t, retry)
		assert.Contains(t, body, fmt.Sprintf("the issuer is asked again in %v\n", time.Duration(retry+1)*time.Second), "they agree")
		_, page := s.get("/")
		assert.Contains(t, page, "as it stands in the file it is not in use, and the one before serves: test refused")
		assert.Contains(t, page, "<dt>Then</dt><dd>the issuer is asked again in <time data-until")

		time.Sleep(3 * time.Hour)
		synctest.Wait()
		status, body = s.get("/readyz")
		assert.Equal(t, 200, status, "it stays ready")
		assert.Contains(t, body, "warning: crm has no token: test refused: wrong secret (code 7)")
		assert.NotContains(t, body, "serves")
		_, page = s.get("/")
		assert.NotContains(t, page, "the one before")
		assert.Equal(t, 1, strings.Count(page, "<dd>test refused: wrong secret (code 7)"), "the trouble is told once")
	})
}

// One that has looked before the last answer came, and says so after it, changes nothing.
func TestReadinessIsNotTakenBack(t *testing.T) {
	var r readiness
	r.note([]string{"crm"})
	assert.False(t, r.was.Load())
	r.note(nil)
	r.note([]string{"crm"})
	assert.True(t, r.was.Load())
}

// What /healthz calls dead the page does not call well.
func TestAServiceThatStandsStillSaysSoEverywhere(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		s.keep([]vault.Credential{(&app{secret: "good"}).named("crm")})
		pass(time.Minute)
		_, page := s.get("/")
		assert.Contains(t, page, "<h1>The one credential is well.</h1>")
		assert.Empty(t, s.Report(t.Context()).StandsStill)

		silent, err := tokencache.New(s.bubble.Client("b"), tokencache.Config{})
		require.NoError(t, err)
		defer silent.Close()
		s.pulse.Watches(silent, s.vault.Look)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go s.pulse.Beat(ctx)
		pass(2 * time.Minute)
		status, body := s.get("/healthz")
		assert.Equal(t, 503, status)
		assert.Equal(t, "stands still: the cache has told of nothing for 2m0s: restart this process\n", body)
		assert.Equal(t, body, "stands still: "+s.Report(t.Context()).StandsStill+"\n")
		_, page = s.get("/")
		assert.Contains(t, page, "<h1>The service stands still and refreshes nothing: restart it.</h1>")
		assert.Contains(t, page, "<title>(!) onetoken</title>")
	})
}
