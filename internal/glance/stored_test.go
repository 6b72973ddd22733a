package glance_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/glance"
	"github.com/onetoken-go/onetoken/tokencache"
)

// What Redis remembers beside a fresh token is over: a service's page says the same.
func TestOfStoredWithAFailure(t *testing.T) {
	t.Parallel()
	refused := &tokencache.IssuerError{Issuer: "feishu", Message: "app secret invalid", Class: tokencache.ClassPermanent}
	of := func(state tokencache.State) []string {
		st := tokencache.Status{State: state, Remaining: time.Hour, Life: 2 * time.Hour, Failure: refused}
		return glance.Board{Credentials: []glance.Credential{glance.OfStored("crm", st, 30*time.Minute, glance.InKeys)}}.Lines(glance.Size{}, false)
	}
	assert.Contains(t, of(tokencache.StateFresh), "The one credential is well.")
	assert.Contains(t, of(tokencache.StateDue), "The one credential needs you: crm.")
}
