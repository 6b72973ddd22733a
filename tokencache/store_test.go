package tokencache

import (
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// Another reply than the script gives: an integer that was cut to 32 bits, an older or
// newer script's, somebody's who sits in between. None reads as a time or an outcome, as 0
// for one would mean that nothing holds, or that the token was stored.
func TestReplyThatNoScriptGives(t *testing.T) {
	m, rdb := newMiniredis(t)
	ctx := t.Context()
	hook := &replies{}
	s := newStage(t, rdb, m, "a")
	rdb.AddHook(hook)
	token := make([]any, 0, tokenFields)
	for _, field := range someFields("a1", "t1", "7200000") {
		token = append(token, field)
	}
	failed := []any{"1700000060500", "2", "x", "unknown", "1", nil, "m", nil, nil, "0", "r"}
	at := "1700000060000"
	view := []any{at, "3600000", token, "-2", "600000", failed, "0"}
	stored := []any{"stored", at, "3600000", token}

	calls := map[string]func() error{
		"read":       func() error { _, err := s.read(ctx); return err },
		"publish":    func() error { _, _, err := s.publish(ctx, s.offered(time.Hour, 0)); return err },
		"fail":       func() error { _, err := s.fail(ctx, "ours", &IssuerError{}, 0, replica{"us", "us"}); return err },
		"invalidate": func() error { _, err := s.invalidate(ctx, notice{fp: "f", nonce: "n"}); return err },
	}
	for call, good := range map[string][]any{
		"read": view, "publish": stored, "fail": {"failed", "1000"}, "invalidate": {"alone", "250", "2", at, "1"},
	} {
		hook.reply = good
		require.NoError(t, calls[call](), call)
	}

	with := func(reply []any, i int, part any) []any {
		changed := append([]any{}, reply...)
		changed[i] = part
		return changed
	}
	type bad struct {
		edge, call string
		reply      any
	}
	bads := []bad{
		{"no array", "read", "a1"},
		{"nothing", "read", []any{}},
		{"no parts after the token", "read", view[:3]},
		{"a token that is no array", "read", with(view, 2, "a1")},
		{"no failure", "read", with(view, 5, nil)},
		{"no word on the lock", "read", view[:6]},
		{"a lock that is neither taken nor not", "read", with(view, 6, "2")},
		{"a field that is a number", "read", with(view, 2, []any{"a1", "t1", "f", int64(7200000), "1", "2"})},
		{"no array", "publish", int64(1)},
		{"an outcome nobody knows", "publish", with(stored, 0, "a1")},
		{"nothing but the outcome", "publish", stored[:1]},
		{"a token that is no array", "publish", with(stored, 3, "a1")},
		{"nothing", "fail", []any{}},
		{"no hold", "fail", []any{"failed"}},
		{"an outcome nobody knows", "fail", []any{"a1", "1000"}},
		{"an outcome nobody knows", "invalidate", []any{"a1", "0", "0"}},
		{"nothing but the outcome", "invalidate", []any{"dropped"}},
		{"an outcome that is a number", "invalidate", []any{int64(1)}},
	}
	for _, number := range []any{int64(3_600_000), int64(-1_294_907_488), "-1294907488", "-3", "1.5", "1e3", "0x10", "+1", " 1", "", "nan", "9223372036855", nil, []any{}} {
		edge := fmt.Sprintf("%T %v", number, number)
		for _, i := range []int{0, 1, 3, 4} {
			bads = append(bads, bad{edge, "read", with(view, i, number)})
		}
		for _, i := range []int{1, 2} {
			bads = append(bads, bad{edge, "publish", with(stored, i, number)})
		}
		bads = append(bads, bad{edge, "fail", []any{"failed", number}})
		bads = append(bads, bad{edge, "invalidate", []any{"alone", number, "2"}}, bad{edge, "invalidate", []any{"alone", "250", number}})
	}
	for _, test := range bads {
		hook.reply = test.reply
		err := calls[test.call]()
		trouble, ok := err.(*RedisError) //nolint:errorlint // what a store returns is one
		if !assert.True(t, ok, "%s: %s: %v", test.call, test.edge, err) {
			continue
		}
		assert.Equal(t, TroubleOther, trouble.Trouble, "an answer, not silence")
		assert.Equal(t, s.keys.id, trouble.ID)
		assert.NotContains(t, err.Error(), "a1", "no token")
	}
}

// Times are the same to the millisecond, whatever the protocol.
func TestTimesInBothProtocols(t *testing.T) {
	server := redistest.StartServer(t)
	address := server.Client(t).Options()
	for protocol := 2; protocol <= 3; protocol++ {
		t.Run(fmt.Sprintf("RESP%d", protocol), func(t *testing.T) {
			o := *address
			o.Protocol = protocol
			rdb := redis.NewClient(&o)
			t.Cleanup(func() { _ = rdb.Close() })
			s := newStage(t, rdb, nil, fmt.Sprint("resp", protocol))
			ctx := t.Context()
			long := 300 * 24 * time.Hour // more milliseconds than an int32 has
			out, stored, err := s.publish(ctx, s.offered(long, 0))
			require.NoError(t, err)
			assert.Equal(t, OutcomeStored, out)
			require.NotNil(t, stored)
			s.lasts(long, stored.remaining)
			s.lasts(long, s.ttl(s.keys.token()))

			s.lock("ours")
			s.lasts(time.Minute, s.mustFail("ours", &IssuerError{Class: ClassPermanent}, 0))
			v, err := s.read(ctx, "all")
			require.NoError(t, err)
			assert.WithinDuration(t, s.t0, v.now, s.slack())
			require.NotNil(t, v.record)
			s.lasts(long, v.record.remaining)
			s.lasts(time.Minute, v.lockTTL)
			s.lasts(time.Minute, v.failure.hold)
		})
	}
}

// replies has every script answered with a reply.
type replies struct{ reply any }

func (*replies) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (r *replies) ProcessHook(redis.ProcessHook) redis.ProcessHook {
	return func(_ context.Context, cmd redis.Cmder) error {
		cmd.(*redis.Cmd).SetVal(r.reply)
		return nil
	}
}

func (*replies) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
