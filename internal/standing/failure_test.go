package standing_test

import (
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
