package service

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

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
