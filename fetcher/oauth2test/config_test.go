package oauth2test_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/oauth2test"
)

func TestConfig(t *testing.T) {
	issuer := oauth2test.New(oauth2test.Config{})
	assert.Equal(t, "test-client", issuer.ClientID())
	assert.Equal(t, "test-secret", issuer.ClientSecret())

	good := oauth2test.Config{
		Clients: []oauth2test.Client{{ID: "a", Auth: oauth2test.AuthBody, Scopes: []string{"read"}}, {ID: "b"}},
		Life:    3650 * 24 * time.Hour,
	}
	require.NoError(t, good.Validate())
	assert.Equal(t, "", good.Clients[0].Secret, "Validate changes nothing of its caller's")

	bad := oauth2test.Config{
		Life: time.Millisecond, Latency: -1,
		Clients: []oauth2test.Client{{}, {ID: "a"}, {ID: "a", Auth: "private_key_jwt"}, {ID: "b", Scopes: []string{`a"b`}}},
	}
	err := bad.Validate()
	for _, part := range []string{
		"a Life of 0s", "a Latency of -1ns", "Clients[0]: ID is empty", "Clients[2]: an ID that",
		"Clients[2]: Auth is none", "Clients[3]: Scopes with",
	} {
		require.ErrorContains(t, err, part)
	}
	assert.Panics(t, func() { oauth2test.New(bad) })
	require.ErrorContains(t, oauth2test.Config{Clients: []oauth2test.Client{}}.Validate(), "Clients is empty")
	require.ErrorContains(t, oauth2test.Config{Life: 3651 * 24 * time.Hour}.Validate(), "a Life of")
}
