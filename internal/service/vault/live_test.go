package vault_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/vault"
	"github.com/onetoken-go/onetoken/tokencache"
)

// at has its APIs at a URL.
func (a *app) at(name, url string) vault.Credential {
	c := a.named(name)
	c.URL = url
	c.Revision += url
	return c
}

// The token and where it may be sent are of one app, whatever the file says meanwhile.
func TestLiveIsOfOneMoment(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		old, next := &app{id: "a", secret: "old"}, &app{id: "b", secret: "new", err: errRefused}
		s.Apply([]vault.Credential{old.at("crm", "https://a.example"), old.at("other", "https://a.example")})
		live := func() vault.Live {
			got, err := s.entry("crm").Live(t.Context())
			require.NoError(t, err)
			return got
		}
		first := live()
		assert.Equal(t, "crm", first.Name)
		assert.Equal(t, "https://a.example", first.URL)
		assert.Equal(t, "token-of-a-old-1", first.Token.AppAccessToken())

		s.Apply([]vault.Credential{next.at("crm", "https://b.example"), old.at("other", "https://a.example")})
		assert.Equal(t, "b", s.entry("crm").Configured().App, "the file says so")
		assert.Equal(t, "https://a.example", live().URL, "but it has no token yet")
		next.fail(nil)
		time.Sleep(4 * time.Minute)
		second := live()
		assert.Equal(t, "https://b.example", second.URL)
		assert.Contains(t, second.Token.AppAccessToken(), "token-of-b-new")

		_, err := first.Another(t.Context())
		require.ErrorIs(t, err, vault.ErrElsewhere, "a call that was begun for the one does not get the other's token")
		assert.NoError(t, first.Invalidate(t.Context(), first.Token), "though another name has it yet")
		again, err := second.Another(t.Context())
		require.NoError(t, err)
		assert.Equal(t, second.Token.AppAccessToken(), again.AppAccessToken())
	})
}

// A rejected token is told, and the next one had, by the Source that gave it or by what has taken its place.
func TestLiveThatIsRejected(t *testing.T) {
	inBubble(t, func(t *testing.T, s *stage) {
		s.Apply([]vault.Credential{(&app{id: "a", secret: "old"}).named("crm")})
		live, err := s.entry("crm").Live(t.Context())
		require.NoError(t, err)
		require.NoError(t, live.Invalidate(t.Context(), live.Token))
		next, err := live.Another(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "token-of-a-old-2", next.AppAccessToken())

		s.Apply([]vault.Credential{(&app{id: "a", secret: "new"}).named("crm")})
		time.Sleep(time.Minute)
		require.NoError(t, live.Invalidate(t.Context(), next), "its Source is closed: nobody is given that token any more")
		next, err = live.Another(t.Context())
		require.NoError(t, err)
		assert.Contains(t, next.AppAccessToken(), "token-of-a-new-")

		s.Apply(nil)
		_, err = live.Another(t.Context())
		require.ErrorIs(t, err, tokencache.ErrClosed)
	})
}
