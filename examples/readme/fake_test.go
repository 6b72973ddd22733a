package readme

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

func TestFake(t *testing.T) {
	cache := tokencachetest.New(t) // on a Redis of its own, inside the process
	issuer := tokencache.Issuer{Name: "fake", App: "my-app", Digest: "any"}
	tokens := cache.Source(tokencache.FetchFunc(issuer, func(context.Context) (tokencache.Token, error) {
		return tokencache.NewToken("app-token", "tenant-token", time.Hour), nil
	}))

	tok, err := tokens.Get(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "tenant-token", tok.TenantAccessToken())
}
