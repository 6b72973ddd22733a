package larksdk_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/adapters/larksdk"
	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/tokencache"
)

func TestEveryComplaintAtOnce(t *testing.T) {
	_, _, err := larksdk.New(larksdk.Config{Timeout: -time.Second, Base: (*http.Transport)(nil)})
	require.Error(t, err)
	assert.Equal(t, "larksdk: Apps is empty: name those whose tokens are shared\n"+
		"a Timeout of -1s: cannot be negative\n"+
		"Base is a nil *http.Transport: leave it out, or make one", err.Error())

	good := larksdk.App{ID: "cli_a", Source: gives("x"), Hosts: []string{host}}
	_, _, err = larksdk.New(larksdk.Config{Apps: []larksdk.App{
		good, good,
		{Source: gives("x")},
		{ID: "cli:b", Source: gives("x")},
		{ID: "cli_c"},
		{ID: "cli_d", Source: (*tokencache.Source)(nil)},
		{ID: "cli/e", Source: gives("x")},
		{ID: "cli.f", Source: gives("x")},
		{ID: "cli_\u00e9", Source: gives("x")},
		{ID: "cli_A1b2C3", Source: gives("x")},
	}})
	require.Error(t, err)
	for _, want := range []string{
		"Apps[1] has the ID of one before it",
		"Apps[2]: ID is empty",
		"Apps[3]: ID has a character that no app id has",
		"Apps[4]: Source is nil",
		"Apps[5]: Source is a nil *tokencache.Source",
		"Apps[6]: ID has a character that no app id has",
		"Apps[7]: ID has a character that no app id has",
		"Apps[8]: ID has a character that no app id has",
	} {
		assert.ErrorContains(t, err, want)
	}

	assert.NotContains(t, err.Error(), "Apps[9]: ID")

	_, _, err = larksdk.New(larksdk.Config{Apps: []larksdk.App{good, {ID: "cli_b", Source: gives("x")}}})
	require.ErrorContains(t, err, "larksdk: Apps[1]: bearer: Hosts is empty")

	_, _, err = larksdk.New(larksdk.Config{Apps: []larksdk.App{{ID: "cli_s", ForTenant: func(string) bearer.Source { return nil }, Hosts: []string{host}}}})
	require.NoError(t, err)
}
