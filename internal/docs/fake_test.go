package docs

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

func TestFake(t *testing.T) {
	cache := tokencachetest.New(t) // on a Redis of its own, inside the process
	issuer := tokencachetest.NewFetcher("cli_test")
	tokens := cache.Source(issuer)

	tok, err := tokens.Get(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "cli_test-tenant-1", tok.TenantAccessToken())

	issuer.Rotate()                                         // as if the token was revoked, ...
	require.NoError(t, tokens.Invalidate(t.Context(), tok)) // ... which somebody found out
	tok, err = tokens.Get(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "cli_test-tenant-2", tok.TenantAccessToken())

	issuer.Fail(&tokencache.IssuerError{Code: 10014, Class: tokencache.ClassPermanent})
	_, err = tokens.Get(t.Context())
	require.NoError(t, err, "a copy serves, whatever the issuer says")
	assert.Equal(t, 2, issuer.Calls())
}
