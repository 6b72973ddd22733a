package standing_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/onetoken-go/onetoken/internal/standing"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestFailure(t *testing.T) {
	t.Parallel()
	refused := &tokencache.IssuerError{Issuer: "test"}
	for state, want := range map[tokencache.State]*tokencache.IssuerError{
		tokencache.StateFresh: nil, tokencache.StateDue: refused, tokencache.StateUrgent: refused, tokencache.StateAbsent: refused,
	} {
		assert.Equal(t, want, standing.Failure(tokencache.Status{State: state, Failure: refused}), state)
		assert.Nil(t, standing.Failure(tokencache.Status{State: state}), state)
	}
}

func TestNeedsPerson(t *testing.T) {
	t.Parallel()
	for class, want := range map[tokencache.Class]bool{
		tokencache.ClassTransient: false, tokencache.ClassUnknown: false, tokencache.ClassRateLimited: false, tokencache.ClassQuota: true, tokencache.ClassPermanent: true,
	} {
		assert.Equal(t, want, standing.NeedsPerson(fmt.Errorf("fetch: %w", &tokencache.IssuerError{Class: class})), class)
		assert.Equal(t, want, standing.ClassNeedsPerson(class.String()), class)
	}
	assert.False(t, standing.NeedsPerson(nil))
	assert.False(t, standing.NeedsPerson(errors.New("redis is down")))
	assert.False(t, standing.ClassNeedsPerson("of a later version"))
}
