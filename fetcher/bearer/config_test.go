package bearer_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

func TestEveryComplaintAtOnce(t *testing.T) {
	_, err := bearer.New(bearer.Config{Kind: 7})
	require.Error(t, err)
	assert.Equal(t, "bearer: Source is nil: make one with Cache.Source\n"+
		"Hosts is empty: name the API's, such as open.feishu.cn\n"+
		"a Kind of 7: Tenant, App or Access", err.Error())
	assert.Equal(t, "Kind(7)", bearer.Kind(7).String())

	_, err = bearer.New(bearer.Config{Source: (*tokencache.Source)(nil), Hosts: []string{"open.feishu.cn"}})
	assert.EqualError(t, err, "bearer: Source is a nil *tokencache.Source: make one with Cache.Source")
}

// Base is somebody else's: a nil pointer is an error of New, and no response and no error is
// an error of the request.
func TestBaseThatIsNone(t *testing.T) {
	source := tokencachetest.New(t).Source(tokencachetest.NewFetcher("cli_test"))
	config := bearer.Config{Source: source, Hosts: []string{host}, Base: (*http.Transport)(nil)}
	_, err := bearer.New(config)
	require.ErrorContains(t, err, "Base is a nil *http.Transport")

	config.Base = nothing{}
	transport, err := bearer.New(config)
	require.NoError(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+host+"/", nil)
	require.NoError(t, err)
	_, err = transport.RoundTrip(req) //nolint:bodyclose // there is none
	assert.ErrorContains(t, err, "neither a response nor an error")
}

type nothing struct{}

func (nothing) RoundTrip(*http.Request) (*http.Response, error) { return nil, nil } //nolint:nilnil // what it is for
