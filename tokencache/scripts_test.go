package tokencache

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

func TestReadSeesEverything(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		ctx := t.Context()
		t.Run("nothing", func(t *testing.T) {
			s := next(t)
			v, err := s.read(ctx)
			require.NoError(t, err)
			assert.WithinRange(t, v.now, s.t0, s.t0.Add(s.slack()))
			assert.Nil(t, v.record)
			assert.Empty(t, v.garbled)
			assert.Nil(t, v.failure)
			assert.False(t, v.locked())
			assert.Empty(t, s.dump(), "it writes nothing")
		})
		t.Run("everything", func(t *testing.T) {
			s := next(t)
			s.put("a1", "t1", 2*time.Hour, time.Hour, "scope", "of a later version")
			s.lock("ours")
			s.mustFail("ours", &IssuerError{Issuer: "x", Class: ClassUnknown, Message: "m"}, 0)
			before := s.dump()
			v, err := s.read(ctx)
			require.NoError(t, err)
			require.NotNil(t, v.record)
			assert.Equal(t, "a1", v.record.token.AppAccessToken())
			assert.Equal(t, "t1", v.record.token.TenantAccessToken())
			assert.Equal(t, 2*time.Hour, v.record.life)
			s.lasts(time.Hour, v.record.remaining)
			assert.Equal(t, "them", v.record.fetchedBy)
			s.lasts(time.Minute, v.lockTTL)
			s.lasts(5*time.Second, v.failure.hold)
			if s.m != nil {
				assert.Equal(t, before, s.dump(), "it writes nothing")
			}
		})
		t.Run("F20: nothing has a TTL", func(t *testing.T) {
			s := next(t)
			s.put("a1", "t1", 2*time.Hour, 0)
			s.failed()
			require.NoError(t, s.rdb.Set(ctx, s.keys.lock, "x", 0).Err())
			v, err := s.read(ctx)
			require.NoError(t, err)
			assert.Nil(t, v.record)
			assert.Equal(t, "no TTL", v.garbled)
			assert.True(t, v.locked())
			assert.Equal(t, noTTL, v.lockTTL)
			assert.False(t, v.failure.holds())

			require.NoError(t, s.leaseForeverLock(ctx, 5*time.Second))
			s.lasts(5*time.Second, s.ttl(s.keys.lock))
		})
		t.Run("F19: foreign hashes", func(t *testing.T) {
			s := next(t)
			require.NoError(t, s.rdb.HSet(ctx, s.keys.token, "x", "y").Err())
			require.NoError(t, s.rdb.HSet(ctx, s.keys.failure, "x", "y").Err())
			v, err := s.read(ctx)
			require.NoError(t, err)
			assert.Nil(t, v.record)
			assert.NotEmpty(t, v.garbled)
			assert.False(t, v.failure.holds())
		})
		t.Run("F18: a lock of another kind", func(t *testing.T) {
			s := next(t)
			require.NoError(t, s.rdb.RPush(ctx, s.keys.lock, "x").Err())
			_, err := s.read(ctx) // else it would be given a TTL
			assert.ErrorContains(t, err, s.keys.lock)
		})
		t.Run("remaining is counted from before the question", func(t *testing.T) {
			s := next(t)
			s.put("a1", "t1", 2*time.Hour, time.Hour)
			before := now()
			v, err := s.read(ctx)
			require.NoError(t, err)
			assert.LessOrEqual(t, before.mono, v.at.mono)
			assert.LessOrEqual(t, v.at.mono, now().mono)
		})
	})
}

// A script whose reply is lost is sent again. The second run has to leave what
// the first left, and to give an answer that is as good.
func TestF21ScriptsReplayed(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		publish := func(o func(s *stage) offer) func(s *stage) (any, error) {
			return func(s *stage) (any, error) {
				offer := o(s)
				pub, err := s.publish(t.Context(), offer)
				if pub.stored == nil {
					return pub.outcome, err
				}
				if pub.outcome == outcomeRenewed || offer.putBack {
					pub.outcome = outcomeKept // of the second run: nothing new
				}
				return fmt.Sprintf("%s %v %v", pub.outcome, pub.stored.token, pub.stored.life), err
			}
		}
		usual := func(s *stage) offer { return s.offered(2*time.Hour, time.Hour) }
		tests := map[string]struct {
			setup func(s *stage)
			run   func(s *stage) (any, error)
		}{
			"publish":                {nil, publish(usual)},
			"publish, kept":          {func(s *stage) { s.put("a1", "t1", 2*time.Hour, 2*time.Hour) }, publish(usual)},
			"publish, over another":  {func(s *stage) { s.put("a1", "t1", 2*time.Hour, time.Minute); s.failed() }, publish(usual)},
			"publish, renewed":       {func(s *stage) { s.put("a2", "t2", 2*time.Hour, time.Minute, "x", "y") }, publish(usual)},
			"publish, garbled":       {func(s *stage) { s.put("a1", "t1", 2*time.Hour, 0, "x", "y") }, publish(usual)},
			"publish, rejected":      {func(s *stage) { s.bury("a2", "t2", s.t0) }, publish(usual)},
			"publish, expired":       {nil, publish(func(s *stage) offer { return s.offered(time.Hour, time.Hour) })},
			"publish, as a put-back": {nil, publish(func(s *stage) offer { o := usual(s); o.putBack = true; return o })},
			"fail": {func(s *stage) { s.lock("ours") }, func(s *stage) (any, error) {
				hold, err := s.fail(t.Context(), "ours", &IssuerError{Class: ClassPermanent}, 0, "us")
				return hold.Round(time.Second), err
			}},
			"fail, not held": {func(s *stage) { s.lock("theirs") }, func(s *stage) (any, error) {
				return s.fail(t.Context(), "ours", &IssuerError{Class: ClassPermanent}, 0, "us")
			}},
			"invalidate": {func(s *stage) { s.put("a1", "t1", 2*time.Hour, time.Hour) }, func(s *stage) (any, error) {
				return s.invalidate(t.Context(), fingerprint("a1", "t1"), "n", time.Hour)
			}},
			"invalidate, other": {func(s *stage) { s.put("a2", "t2", 2*time.Hour, time.Hour) }, func(s *stage) (any, error) {
				return s.invalidate(t.Context(), fingerprint("a1", "t1"), "n", time.Hour)
			}},
			"invalidate, cool-down": {
				func(s *stage) { s.put("a1", "t1", 2*time.Hour, time.Hour); s.buried(time.Second, 1, time.Hour) },
				func(s *stage) (any, error) {
					return s.invalidate(t.Context(), fingerprint("a1", "t1"), "n", time.Hour)
				},
			},
		}
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				s := next(t)
				if test.setup != nil {
					test.setup(s)
				}
				first, err := test.run(s)
				require.NoError(t, err)
				state := s.dump()
				again, err := test.run(s)
				require.NoError(t, err)
				assert.Equal(t, first, again)
				if s.m != nil { // else the clock runs, and shows
					assert.Equal(t, state, s.dump())
				}
			})
		}
	})
}

// somethingElse puts a list where we expect something else.
func (s *stage) somethingElse(key string) {
	require.NoError(s.t, s.rdb.RPush(s.t.Context(), key, "theirs").Err())
}

func TestF18ForeignTypes(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		ctx := t.Context()
		fp := fingerprint("a2", "t2")
		for _, test := range []struct {
			name  string
			key   func(keys) string
			named bool // the error names the key
			run   func(*stage) error
		}{
			{"read token", func(k keys) string { return k.token }, true, func(s *stage) error { _, err := s.read(ctx); return err }},
			{"read failure", func(k keys) string { return k.failure }, true, func(s *stage) error { _, err := s.read(ctx); return err }},
			{"publish token", func(k keys) string { return k.token }, true, func(s *stage) error {
				_, err := s.publish(ctx, s.offered(time.Hour, 0))
				return err
			}},
			{"publish tombstone", func(k keys) string { return k.rejected + fp }, false, func(s *stage) error {
				_, err := s.publish(ctx, s.offered(time.Hour, 0))
				return err
			}},
			{"fail lock", func(k keys) string { return k.lock }, false, func(s *stage) error {
				_, err := s.fail(ctx, "ours", &IssuerError{}, 0, "us")
				return err
			}},
			{"fail failure", func(k keys) string { return k.failure }, true, func(s *stage) error {
				s.lock("ours")
				_, err := s.fail(ctx, "ours", &IssuerError{}, 0, "us")
				return err
			}},
			{"invalidate token", func(k keys) string { return k.token }, true, func(s *stage) error {
				_, err := s.invalidate(ctx, fp, "n", 0)
				return err
			}},
			{"invalidate tombstone", func(k keys) string { return k.rejected + fp }, false, func(s *stage) error {
				s.put("a2", "t2", time.Hour, time.Hour)
				_, err := s.invalidate(ctx, fp, "n", 0)
				return err
			}},
		} {
			t.Run(test.name, func(t *testing.T) {
				s := next(t)
				key := test.key(s.keys)
				s.somethingElse(key)
				err := test.run(s)
				var trouble *RedisError
				require.ErrorAs(t, err, &trouble)
				assert.Equal(t, "WRONGTYPE", trouble.Name)
				assert.Equal(t, s.keys.id, trouble.Key)
				if test.named {
					assert.ErrorContains(t, err, key)
				}
				theirs, err := s.rdb.LRange(ctx, key, 0, -1).Result()
				require.NoError(t, err)
				assert.Equal(t, []string{"theirs"}, theirs)
				assert.Equal(t, noTTL, s.ttl(key))
				if strings.HasPrefix(test.name, "invalidate tomb") {
					assert.Equal(t, "a2", s.holds(), "nothing is half done")
				}
			})
		}
	})
}

func TestF18PublishPassesAForeignFailureBy(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		for _, stored := range []string{"", "a1"} {
			s := next(t)
			s.somethingElse(s.keys.failure)
			if stored != "" {
				s.put(stored, "t1", 2*time.Hour, 2*time.Hour)
			}
			s.mustPublish(s.offered(time.Hour, 0))
			assert.True(t, s.exists(s.keys.failure), "nothing of theirs is deleted")
		}
	})
}

func TestF16ScriptsForgotten(t *testing.T) {
	onBoth(t, func(t *testing.T, next func(*testing.T) *stage) {
		s := next(t)
		ctx := t.Context()
		for _, step := range []func() error{
			func() error { _, err := s.read(ctx); return err },
			func() error { _, err := s.publish(ctx, s.offered(time.Hour, 0)); return err },
			func() error { _, err := s.fail(ctx, "ours", &IssuerError{}, 0, "us"); return err },
			func() error { _, err := s.invalidate(ctx, fingerprint("a2", "t2"), "n", 0); return err },
		} {
			for range 2 {
				require.NoError(t, step())
				require.NoError(t, s.rdb.ScriptFlush(ctx).Err())
			}
		}
	})
}

// What miniredis cannot do: the troubles of a real server, as our scripts meet
// them. Nothing that was stored is lost.
func TestF17TroublesOfARealServer(t *testing.T) {
	read := func(s *stage) error { _, err := s.read(s.t.Context()); return err }
	publish := func(s *stage) error {
		_, err := s.publish(s.t.Context(), s.offered(2*time.Hour, 0))
		return err
	}
	fail := func(s *stage) error {
		_, err := s.fail(s.t.Context(), "ours", &IssuerError{}, 0, "us")
		return err
	}
	invalidate := func(s *stage) error {
		_, err := s.invalidate(s.t.Context(), fingerprint("a1", "t1"), "n", 0)
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
					assert.Equal(t, test.name, trouble.Name, "%s: %v", name, err)
					assert.True(t, answered(trouble.Err), "%s: it did answer", name)
				}
			}
			for _, command := range test.relief {
				server.Exec(command...)
			}
			assert.Equal(t, "a1", s.holds(), "the old token is as it was")
			s.lasts(time.Hour, s.ttl(s.keys.token))
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
			err := read(&stage{store: store{newGuard(rdb, 5*time.Second, s.redis.breaker), s.keys}, t: t, t0: s.t0})
			var trouble *RedisError
			require.ErrorAs(t, err, &trouble)
			assert.Equal(t, name, trouble.Name, "%v", err)
			assert.NotContains(t, err.Error(), "hunter")
		}
	})

	t.Run("NOPERM", func(t *testing.T) {
		s := newStage(t, server.Client(t), nil, "noperm")
		announce := func(s *stage) error { return s.announce(s.t.Context(), eventToken, "x") }
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
			err := test.run(&stage{store: store{newGuard(rdb, 5*time.Second, s.redis.breaker), s.keys}, t: t, t0: s.t0})
			var trouble *RedisError
			require.ErrorAs(t, err, &trouble, name)
			assert.Equal(t, "NOPERM", trouble.Name, "%s: %v", name, err)
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
		assert.Equal(t, "BUSY", trouble.Name)
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

//go:embed scripts
var scriptFiles embed.FS

// Managed clusters look at scripts before they let them in, and replicas run
// them again.
func TestScriptsAreAllowedEverywhere(t *testing.T) {
	entries, err := scriptFiles.ReadDir("scripts")
	require.NoError(t, err)
	embedded := map[string]string{"read.lua": readLua, "publish.lua": publishLua, "fail.lua": failLua, "invalidate.lua": invalidateLua}
	require.Len(t, entries, len(embedded))
	for _, entry := range entries {
		t.Run(entry.Name(), func(t *testing.T) {
			text, err := scriptFiles.ReadFile(path.Join("scripts", entry.Name()))
			require.NoError(t, err)
			require.Equal(t, string(text), embedded[entry.Name()])
			checkScript(t, string(text))
		})
	}
}

var (
	luaComment = regexp.MustCompile(`--[^\n]*`)
	luaString  = regexp.MustCompile(`'[^'\n]*'`)
	luaCall    = regexp.MustCompile(`redis\.p?call\(([^,)]*)(?:, *([^,)]*))?`)
	luaAssign  = regexp.MustCompile(`(?m)^\s*(local\s+)?([\w, ]+?)\s*=[^=]`)
	luaKeys    = regexp.MustCompile(`\bKEYS\b`)
	luaKey     = regexp.MustCompile(`\bKEYS\[[1-9]\]`)
	luaLocal   = regexp.MustCompile(`(?m)\blocal\s+([\w, ]+)`)
)

func checkScript(t *testing.T, text string) {
	require.True(t, strings.HasPrefix(text, "-- "), "a header on keys, arguments and answers")
	for _, part := range []string{"-- KEYS: 1 ", "-- Returns: "} {
		assert.Contains(t, text, part)
	}
	code := luaComment.ReplaceAllString(text, "")
	for _, word := range []string{"unpack", "PUBLISH", "SPUBLISH", "#KEYS", "_G", "loadstring", "\"", "[["} {
		assert.NotContains(t, code, word)
	}
	assert.Equal(t, len(luaKeys.FindAllString(code, -1)), len(luaKey.FindAllString(code, -1)), "keys as literal KEYS[n] only")

	for _, call := range luaCall.FindAllStringSubmatch(code, -1) {
		assert.Regexp(t, `^'[A-Z]+'$`, call[1], "a literal command")
		if call[1] != "'TIME'" {
			assert.Regexp(t, `^KEYS\[[1-9]\]$`, strings.TrimSpace(call[2]), call[0])
		}
	}

	bare := luaString.ReplaceAllString(code, "''")
	locals := map[string]bool{}
	for _, m := range luaLocal.FindAllStringSubmatch(bare, -1) {
		for name := range strings.SplitSeq(m[1], ",") {
			locals[strings.TrimSpace(name)] = true
		}
	}
	depth := 0 // of braces: fields of a table are no variables
	for line := range strings.Lines(bare) {
		if m := luaAssign.FindStringSubmatch(line); m != nil && m[1] == "" && depth == 0 {
			for name := range strings.SplitSeq(m[2], ",") {
				assert.True(t, locals[strings.TrimSpace(name)], "global variable: %s", line)
			}
		}
		depth += strings.Count(line, "{") - strings.Count(line, "}")
	}
}
