package larksdk_test

import (
	"context"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/adapters/larksdk"
	"github.com/onetoken-go/onetoken/fetcher/bearer"
	"github.com/onetoken-go/onetoken/fetcher/feishutest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Without a secret the SDK's issuer is an OAuth 2 server, whose tokens are of one kind. The Source is
// told the very token that it gave.
func TestKeyless(t *testing.T) {
	for name, tokens := range map[string][]tokencache.Token{
		"of one kind":        {tokencache.NewToken("first", "", time.Hour), tokencache.NewToken("second", "", time.Hour)},
		"of a tenant":        {tokencache.NewToken("", "first", time.Hour), tokencache.NewToken("", "second", time.Hour)},
		"of a tenant beside": {tokencache.NewToken("app", "first", time.Hour), tokencache.NewToken("app", "second", time.Hour)},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(feishutest.New(feishutest.Config{}))
			w.replies = func(req *http.Request) *http.Response {
				if req.Header.Get("Authorization") == "Bearer first" {
					return nil // rejected
				}
				return reply(200, `{"code":0,"msg":""}`)
			}
			source := &script{tokens: slices.Clone(tokens)}
			sdk := w.sdk(t, func(c *larksdk.Config) { c.Apps[0].Source = source })
			sdk.form = keyless
			_, err := sdk.call(t.Context(), tenantCall)
			require.NoError(t, err)
			assert.Equal(t, []string{host + " /open-apis/tenant Bearer first", host + " /open-apis/tenant Bearer second"}, w.requests())
			require.Len(t, source.told, 1)
			assert.True(t, tokens[0].Equal(source.told[0]))
		})
	}
}

// A Source without a token of the kind is told of in the words of this package's Config.
func TestTokenOfAnotherKind(t *testing.T) {
	for says, c := range map[string]struct {
		form   keyForm
		call   sdkCall
		source tokencache.Token
	}{
		"the Source of the app cli_test gave no tenant access token, but an app access token": {third, tenantCall, tokencache.NewToken("hush", "", time.Hour)},
		"the Source of the app cli_test gave no app access token, but a tenant access token":  {third, appCall, tokencache.NewToken("", "hush", time.Hour)},
		"the Source of the app cli_test gave an empty token":                                  {keyless, tenantCall, tokencache.Token{}},
	} {
		w := newWorld(feishutest.New(feishutest.Config{}))
		sdk := w.sdk(t, func(config *larksdk.Config) { config.Apps[0].Source = &script{tokens: []tokencache.Token{c.source}} })
		sdk.form = c.form
		_, err := sdk.call(t.Context(), c.call)
		require.ErrorIs(t, err, bearer.ErrNoToken)
		require.ErrorContains(t, err, says)
		assert.NotContains(t, err.Error(), "Config.Kind")
		assert.NotContains(t, err.Error(), "hush")
		assert.Empty(t, w.requests())
	}
}

// script is a Source that gives one token after the other, and remembers what it is told.
type script struct {
	tokens, told []tokencache.Token
}

func (s *script) Get(ctx context.Context) (tokencache.Token, error) {
	next := s.tokens[0]
	s.tokens = s.tokens[1:]
	return next, ctx.Err()
}

func (s *script) Invalidate(_ context.Context, bad tokencache.Token) error {
	s.told = append(s.told, bad)
	return nil
}
