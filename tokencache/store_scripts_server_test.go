package tokencache

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/internal/wire"
)

// What miniredis cannot do: the troubles of a real server, as our scripts meet
// them. Nothing that was stored is lost.
func TestF17TroublesOfARealServer(t *testing.T) {
	read := func(s *stage) error { _, err := s.read(s.t.Context()); return err }
	publish := func(s *stage) error {
		_, _, err := s.publish(s.t.Context(), s.offered(2*time.Hour, 0))
		return err
	}
	fail := func(s *stage) error {
		_, err := s.fail(s.t.Context(), "ours", &IssuerError{}, 0, replica{"us", "us"})
		return err
	}
	invalidate := func(s *stage) error {
		_, err := s.invalidate(s.t.Context(), notice{fp: wire.Fingerprint("a1", "t1"), nonce: "n", remaining: 0})
		return err
	}
	writes := map[string]func(*stage) error{"publish": publish, "fail": fail, "invalidate": invalidate}
	all := map[string]func(*stage) error{"read": read, "publish": publish, "fail": fail, "invalidate": invalidate}

	server := redistest.StartServer(t)
	for _, test := range []struct {
		name          string
		cause, relief [][]any
		affected      map[string]func(*stage) error
	}{
		{
			"OOM", [][]any{{"CONFIG", "SET", "maxmemory", "1"}}, [][]any{{"CONFIG", "SET", "maxmemory", "0"}},
			map[string]func(*stage) error{"publish": publish, "fail": fail},
		},
		{"READONLY", [][]any{{"REPLICAOF", "127.0.0.1", "1"}}, [][]any{{"REPLICAOF", "NO", "ONE"}}, writes},
		{
			"MASTERDOWN", [][]any{{"CONFIG", "SET", "replica-serve-stale-data", "no"}, {"REPLICAOF", "127.0.0.1", "1"}},
			[][]any{{"REPLICAOF", "NO", "ONE"}, {"CONFIG", "SET", "replica-serve-stale-data", "yes"}}, all,
		},
		{"NOREPLICAS", [][]any{{"CONFIG", "SET", "min-replicas-to-write", "1"}}, [][]any{{"CONFIG", "SET", "min-replicas-to-write", "0"}}, writes},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newStage(t, server.Client(t), nil, test.name)
			s.put("a1", "t1", 2*time.Hour, time.Hour)
			s.lock("ours")
			for _, command := range test.cause {
				server.Exec(command...)
			}
			t.Cleanup(func() {
				for _, command := range test.relief {
					server.Exec(command...)
				}
			})
			for name, run := range test.affected {
				err := run(s)
				var trouble *RedisError
				if assert.ErrorAs(t, err, &trouble, name) {
					assert.Equal(t, test.name, string(trouble.Trouble), "%s: %v", name, err)
					assert.True(t, answered(trouble.Err), "%s: it did answer", name)
				}
			}
			for _, command := range test.relief {
				server.Exec(command...)
			}
			assert.Equal(t, "a1", s.holds(), "the old token is as it was")
			s.lasts(time.Hour, s.ttl(s.keys.token()))
			for name, run := range map[string]func(*stage) error{"read": read, "publish": publish, "fail": fail} {
				assert.NoError(t, run(s), name)
			}
		})
	}

	t.Run("NOAUTH and WRONGPASS", func(t *testing.T) {
		s := newStage(t, server.Client(t), nil, "noauth")
		server.Exec("CONFIG", "SET", "requirepass", "hunter2")
		known := server.Client(t, func(o *redis.Options) { o.Password = "hunter2" })
		t.Cleanup(func() { known.ConfigSet(context.Background(), "requirepass", "") })
		for name, password := range map[string]string{"NOAUTH": "", "WRONGPASS": "hunter3"} {
			rdb := server.Client(t, func(o *redis.Options) { o.Password = password })
			err := read(&stage{store: store{redis: newGuard(rdb, 5*time.Second, s.redis.breaker), keys: s.keys, seal: s.seal}, t: t, t0: s.t0})
			var trouble *RedisError
			require.ErrorAs(t, err, &trouble)
			assert.Equal(t, name, string(trouble.Trouble), "%v", err)
			assert.NotContains(t, err.Error(), "hunter")
		}
	})

	t.Run("NOPERM", func(t *testing.T) {
		s := newStage(t, server.Client(t), nil, "noperm")
		announce := func(s *stage) error { return s.announce(s.t.Context(), wire.EventToken, "x") }
		for name, test := range map[string]struct {
			acl string
			run func(*stage) error
		}{
			"a command":                 {"+@all -eval -evalsha ~* &*", read},
			"a command within a script": {"+@all -hset ~* &*", publish},
			"a key":                     {"+@all ~other:* &*", publish},
			"a channel":                 {"+@all ~* resetchannels", announce},
		} {
			server.Exec(slices.Concat([]any{"ACL", "SETUSER", "us", "reset", "on", ">pw"}, words(test.acl))...)
			rdb := server.Client(t, func(o *redis.Options) { o.Username, o.Password = "us", "pw" })
			err := test.run(&stage{store: store{redis: newGuard(rdb, 5*time.Second, s.redis.breaker), keys: s.keys, seal: s.seal}, t: t, t0: s.t0})
			var trouble *RedisError
			require.ErrorAs(t, err, &trouble, name)
			assert.Equal(t, "NOPERM", string(trouble.Trouble), "%s: %v", name, err)
		}
	})

	t.Run("BUSY", func(t *testing.T) {
		s := newStage(t, server.Client(t), nil, "busy")
		require.NoError(t, read(s))
		server.Exec("CONFIG", "SET", "lua-time-limit", "1")
		busy := make(chan error)
		ctx, cancel := context.WithCancel(t.Context())
		go func() { busy <- server.Client(t).Eval(ctx, "while true do end", nil).Err() }()
		var trouble *RedisError
		require.Eventually(t, func() bool { return errors.As(read(s), &trouble) }, 5*time.Second, 20*time.Millisecond)
		assert.Equal(t, "BUSY", string(trouble.Trouble))
		require.NoError(t, s.rdb.ScriptKill(ctx).Err())
		assert.Error(t, <-busy)
		cancel()
		assert.NoError(t, read(s))
	})
}

func words(text string) (list []any) {
	for word := range strings.FieldsSeq(text) {
		list = append(list, word)
	}
	return list
}
