package witness_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/witness"
	"github.com/onetoken-go/onetoken/tokencache"
)

// quiet is a Witness that logs nothing.
func quiet() *witness.Witness { return witness.New(slog.New(slog.DiscardHandler)) }

func TestSeen(t *testing.T) {
	t.Parallel()
	down := &tokencache.RedisError{Trouble: tokencache.TroubleUnreachable}
	refusal := &tokencache.IssuerError{Issuer: "feishu", Message: "no"}
	w := quiet()
	assert.Zero(t, w.Seen())
	assert.True(t, w.Seen().Remembers(refusal), "nobody has asked")
	assert.False(t, w.Seen().Remembers(down))
	for _, e := range []tokencache.Event{
		{Kind: tokencache.EventDegraded, Err: down}, {Kind: tokencache.EventDegraded, Err: errors.New("later")},
		{Kind: tokencache.EventDirectCall, Err: refusal}, {Kind: tokencache.EventInvalidate, Outcome: tokencache.OutcomeDropped},
	} {
		w.Observe(e)
	}
	assert.Equal(t, witness.Seen{Called: true, Direct: true, Refused: refusal, Redis: down, Rejection: tokencache.OutcomeDropped}, w.Seen())
	assert.False(t, w.Seen().Remembers(refusal))
	w.Observe(tokencache.Event{Kind: tokencache.EventCall})
	assert.NoError(t, w.Seen().Refused, "the last call counts")
}

// What a Get has done is seen once it is settled, and the end of waiting is heeded.
func TestSettle(t *testing.T) {
	t.Parallel()
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	defer rdb.Close()
	w := quiet()
	cache, err := tokencache.New(rdb, tokencache.Config{Observe: w.Observe})
	require.NoError(t, err)
	defer cache.Close()
	credential, err := tokencache.NewCredential(tokencache.CredentialConfig{Issuer: "i", App: "a", Secret: []tokencache.Secret{tokencache.NewSecret("s")}})
	require.NoError(t, err)
	source := cache.Source(tokencache.FetchFunc(credential, func(context.Context) (tokencache.Token, error) {
		return tokencache.NewToken("app", "", time.Hour), nil
	}))
	_, err = source.Get(t.Context())
	require.NoError(t, err)
	w.Settle(t.Context(), cache, nil)
	assert.Equal(t, witness.Seen{Called: true}, w.Seen())
	assert.Zero(t, witness.AskedAgainIn(t.Context(), source))

	over := make(chan time.Time)
	close(over)
	quiet().Settle(t.Context(), cache, over) // nobody tells this one of anything
}

func TestLogNamesTheCredential(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	w := witness.New(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug})))
	w.Observe(tokencache.Event{Kind: tokencache.EventFill, ID: "feishu:cli%5Fx:0"})
	assert.Contains(t, out.String(), "msg=cache id=feishu:cli%5Fx:0 app=cli_x kind=")
	for _, absent := range []string{"outcome", "trouble", "reason", "took", "remaining", "err"} {
		assert.False(t, strings.Contains(out.String(), absent+"="), absent)
	}
}
