package sdk

import (
	"context"
	"testing"
	"time"

	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/credential"
	"github.com/silenceper/wechat/v2/officialaccount"
	"github.com/silenceper/wechat/v2/officialaccount/config"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/tokencache"
	"github.com/onetoken-go/onetoken/tokencache/tokencachetest"
)

// handle gives the SDK the fleet's token.
type handle struct{ tokens *tokencache.Source }

func (h handle) GetAccessToken() (string, error) {
	return h.GetAccessTokenContext(context.Background())
}

func (h handle) GetAccessTokenContext(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tok, err := h.tokens.Get(ctx)
	if err != nil {
		return "", err
	}
	return tok.AccessToken(), nil
}

var _ credential.AccessTokenContextHandle = handle{}

// An official account has the fleet's token, and the issuer's error.
func TestAnOfficialAccountWithTheHandle(t *testing.T) {
	issuer := tokencachetest.NewFetcher("wx-app")
	account := officialaccount.NewOfficialAccount(&config.Config{AppID: "wx-app", Cache: cache.NewMemory()})
	account.SetAccessTokenHandle(handle{tokencachetest.New(t).Source(issuer)})
	token, err := account.GetAccessToken()
	require.NoError(t, err)
	assert.Equal(t, "wx-app-app-1", token)
}
