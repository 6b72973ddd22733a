package door_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/service/door"
	"github.com/onetoken-go/onetoken/tokencache"
)

// source has a token at hand and one in Redis.
type source struct {
	held, stored tokencache.Token
	storedErr    error
	err          error // of Invalidate
	invalidated  []string
	asked        int // Redis
}

func (s *source) Peek() (tokencache.Token, bool) { return s.held, !s.held.IsZero() }

func (s *source) Stored(context.Context) (tokencache.Token, error) {
	s.asked++
	return s.stored, s.storedErr
}

func (s *source) Invalidate(_ context.Context, bad tokencache.Token) error {
	s.invalidated = append(s.invalidated, bad.AccessToken())
	return s.err
}

// naming returns what the door makes of a rejection of that token.
func naming(t *testing.T, token string) (r door.Refused) {
	t.Helper()
	c := withToken(usualHandout, door.Tenant)
	c.reject = func(_ context.Context, refused door.Refused) (door.Outcome, error) {
		r = refused
		return door.Replaced, nil
	}
	body, err := json.Marshal(map[string]string{"access_token": token})
	require.NoError(t, err)
	require.Equal(t, 200, open(t, vault{"crm": c}).post("/v1/tokens/crm/reject", string(body), bearer(billingSecret)).Code)
	return r
}

func TestRefusedAt(t *testing.T) {
	older, newer := tokencache.NewToken("older", "", time.Hour), tokencache.NewToken("newer", "", time.Hour)
	down := fmt.Errorf("%w", tokencache.ErrRedis)
	for name, c := range map[string]struct {
		token       string
		source      source
		outcome     door.Outcome
		invalidated []string
		asked       int
	}{
		"at hand: Redis is not looked into":       {"older", source{held: older, stored: newer}, door.Invalidated, []string{"older"}, 0},
		"of another door, this one has the older": {"newer", source{held: older, stored: newer}, door.Invalidated, []string{"newer"}, 1},
		"none at hand":                             {"newer", source{stored: newer}, door.Invalidated, []string{"newer"}, 1},
		"never ours":                               {"foreign", source{held: older, stored: newer}, door.Replaced, nil, 1},
		"none at all":                              {"older", source{}, door.Replaced, nil, 1},
		"another at hand, Redis is down":           {"older", source{held: newer, storedErr: down}, door.Replaced, nil, 1},
		"handed out again a moment ago":            {"older", source{held: older, err: tokencache.ErrCoolDown}, door.Paced, []string{"older"}, 0},
		"Redis is told later":                      {"older", source{held: older, err: down}, door.Invalidated, []string{"older"}, 0},
		"no time is left, and Redis is told later": {"older", source{held: older, err: context.Canceled}, door.Invalidated, []string{"older"}, 0},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		outcome, err := naming(t, c.token).At(ctx, &c.source)
		require.NoError(t, err, name)
		assert.Equal(t, c.outcome, outcome, name)
		assert.Equal(t, c.invalidated, c.source.invalidated, name)
		assert.Equal(t, c.asked, c.source.asked, name)
	}
}

func TestRefusedAtFails(t *testing.T) {
	_, err := naming(t, "older").At(t.Context(), &source{storedErr: tokencache.ErrRedis})
	assert.ErrorIs(t, err, tokencache.ErrRedis, "nobody knows whether it is current")

	held := tokencache.NewToken("older", "", time.Hour)
	for _, failure := range []error{tokencache.ErrClosed, errors.New("other"), context.Canceled} {
		_, err = naming(t, "older").At(t.Context(), &source{held: held, err: failure})
		assert.ErrorIs(t, err, failure)
	}
}

func TestRefusedIsNothingElse(t *testing.T) {
	pair, alone := usualHandout.Token, tokencache.NewToken("", "t-alone", time.Hour)
	r := naming(t, tenantToken)
	assert.True(t, r.Is(pair))
	assert.False(t, r.Is(alone))
	assert.False(t, r.Is(tokencache.Token{}))
	assert.False(t, door.Refused{}.Is(pair))
	assert.NotContains(t, fmt.Sprintf("%v %+v %#v", r, r, r), tenantToken)
}
