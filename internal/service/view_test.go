package service

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/vault"
	"github.com/onetoken-go/onetoken/internal/statusjson"
	"github.com/onetoken-go/onetoken/tokencache"
)

// What is left until a moment becomes the moment, and a token at the end of its window is told apart.
func TestViewOfCredential(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	in := func(state tokencache.State) CredentialReport {
		return CredentialReport{
			Object: statusjson.Object{State: string(state), Remaining: 90, Life: 7200}, Name: "crm", Usable: true, Window: 1770,
			Trouble: &TroubleReport{Text: "busy", RetryIn: 9},
		}
	}
	v := viewOfCredential(in(tokencache.StateUrgent), now)
	assert.Equal(t, now.Add(90*time.Second), v.End)
	assert.Equal(t, 2*time.Hour, v.Life)
	assert.Zero(t, v.Refresh, "it is due")
	assert.Equal(t, now.Add(9*time.Second), v.Problem.Retry)
	assert.True(t, v.Urgent)
	for _, state := range []tokencache.State{tokencache.StateAbsent, tokencache.StateDue, tokencache.StateFresh} {
		assert.False(t, viewOfCredential(in(state), now).Urgent, state)
	}
}

// While the issuer hangs nothing is refused, and doors have no token to hand out.
func TestACredentialWhoseIssuerHangs(t *testing.T) {
	onStage(t, func(t *testing.T, s *stage) {
		a := &app{secret: "good"}
		var hangs atomic.Bool
		crm := a.named("crm")
		crm.Fetcher = tokencache.FetchFunc(a.Credential(), func(ctx context.Context) (tokencache.Token, error) {
			if hangs.Load() {
				<-ctx.Done()
				return tokencache.Token{}, ctx.Err()
			}
			return a.Fetch(ctx)
		})
		hangs.Store(true)
		s.keep([]vault.Credential{crm})
		pass(time.Second)
		_, page := s.get("/")
		assert.Contains(t, page, "<h1>The one credential waits for a token.</h1>", "its first")

		hangs.Store(false)
		pass(10 * time.Minute)
		e, _ := s.vault.Find("crm")
		live, err := e.Live(t.Context())
		require.NoError(t, err)
		hangs.Store(true)
		require.NoError(t, live.Invalidate(t.Context(), live.Token))
		pass(2 * time.Second)
		_, page = s.get("/")
		assert.Contains(t, page, "<h1>The one credential has no token: crm.</h1>")
		assert.Contains(t, page, "<dd>there is no token any more, and no answer yet to the call for another</dd>")
	})
}
