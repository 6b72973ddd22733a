package oauth2source_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/adapters/oauth2source"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestEveryComplaint(t *testing.T) {
	for _, missing := range []oauth2source.Source{nil, (*tokencache.Source)(nil)} {
		_, err := oauth2source.New(t.Context(), oauth2source.Config{Source: missing, Timeout: -1, Reuse: time.Second - 1})
		require.Error(t, err)
		for _, part := range []string{"oauth2source: Source is", "nil", "Cache.Source", "a Timeout of -1ns", "a Reuse of 999.999999ms"} {
			assert.ErrorContains(t, err, part)
		}
	}
	var none context.Context
	_, err := oauth2source.New(none, oauth2source.Config{Source: &source{}})
	require.ErrorContains(t, err, "the context is nil")
	_, err = oauth2source.New(t.Context(), oauth2source.Config{Source: &source{}, Timeout: time.Millisecond, Reuse: time.Second})
	assert.NoError(t, err)
}
