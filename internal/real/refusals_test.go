package real

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// refusal is a trouble that a real server gets into.
type refusal struct {
	name     string
	args     []string
	hint     string // of what an error may say instead
	readable bool   // what is stored can still be read
	// cause brings it about, through a connection that is open already, and returns
	// what ends it.
	cause func(t *testing.T, server *redistest.Server, admin *redis.Client) (relieve func())
}

// refusals are those that only a server can have; what the scripts make of them is
// tested in tokencache, and what a fleet does for hours in its bubbles.
var refusals = []refusal{
	{name: "OOM", readable: true, cause: filled},
	{name: "MISCONF", args: []string{"--save", "3600 1000000", "--dbfilename", "dump"}, readable: true, cause: cannotSave},
	{name: "NOREPLICAS", readable: true, cause: configured("min-replicas-to-write", "1", "0")},
	{name: "BUSY", args: []string{"--lua-time-limit", "20"}, cause: busy},
	{name: "MAXCLIENTS", hint: "whether maxclients is reached", cause: crowded},
	{name: "LOADING", args: []string{"--enable-debug-command", "yes"}, cause: loading},
}

// F17: whatever the trouble, Refresh names it, a copy serves at once, and a process
// without one asks directly. Once it is over, what that got is put back and shared.
func TestF17RealRefusals(t *testing.T) {
	t.Parallel()
	for _, refusal := range refusals {
		t.Run(refusal.name, func(t *testing.T) {
			t.Parallel()
			server := redistest.StartServer(t, refusal.args...)
			admin := server.Client(t, func(o *redis.Options) { o.PoolSize = 1 })
			// No retries of its own: they might outlast what does not last.
			client := func(t testing.TB) redis.UniversalClient {
				return server.Client(t, func(o *redis.Options) { o.MaxRetries = -1 })
			}
			refused(t, client, newIssuer("known", 2*time.Hour), refusal, func() func() { return refusal.cause(t, server, admin) })
		})
	}
}

// F17: the clients were given the address of a replica. Somebody promotes it.
func TestF17ReadOnlyReplica(t *testing.T) {
	t.Parallel()
	primary, known := redistest.StartServer(t, "--repl-diskless-sync-delay", "0"), newIssuer("known", 2*time.Hour)
	_, err := newReplica(t, primary.Client(t), known).Get(t.Context())
	require.NoError(t, err)
	replica := redistest.StartReplica(t, primary)
	client := func(t testing.TB) redis.UniversalClient { return replica.Client(t) }
	refused(t, client, known, refusal{name: "READONLY", readable: true}, func() func() {
		return func() { replica.Exec("REPLICAOF", "NO", "ONE") }
	})
}

func refused(t *testing.T, client clients, known *issuer, refusal refusal, cause func() (relieve func())) {
	cold := newIssuer("cold", 2*time.Hour)
	holder := newReplica(t, client(t), known, noDirect)
	old, err := holder.Get(t.Context())
	require.NoError(t, err)
	relieve := cause()

	eventually(t, func() bool { // silence may come before the refusal
		_, _, err := holder.Refresh(t.Context())
		trouble, ok := errors.AsType[*tokencache.RedisError](err)
		return ok && (string(trouble.Trouble) == refusal.name || refusal.hint != "" && strings.Contains(err.Error(), refusal.hint))
	}, "named")
	start := time.Now()
	tok, err := holder.Get(t.Context())
	require.NoError(t, err)
	assert.True(t, tok.Equal(old))
	assert.Less(t, time.Since(start), atOnce)

	reader := newReplica(t, client(t), known, noDirect)
	tok, err = reader.Get(t.Context())
	if refusal.readable {
		require.NoError(t, err)
		assert.True(t, tok.Equal(old))
	} else {
		assert.ErrorIs(t, err, tokencache.ErrRedis)
	}
	direct := newReplica(t, client(t), cold)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	tok, err = direct.Get(ctx)
	require.NoError(t, err)
	eventually(t, func() bool { return direct.count(tokencache.EventDirectCall) == 1 }, "asked directly")

	relieve()
	eventually(t, func() bool {
		stored, err := direct.Stored(t.Context())
		return err == nil && stored.Equal(tok)
	}, "put back")
	shared, err := newReplica(t, client(t), cold, noDirect).Get(t.Context())
	require.NoError(t, err)
	assert.True(t, shared.Equal(tok))
	assert.Equal(t, 1, cold.calls())
	assert.Equal(t, 1, known.calls())
}

// filled: somebody else's keys take all the memory there may be. They are not ours to
// delete, and are all there afterwards.
func filled(t *testing.T, server *redistest.Server, admin *redis.Client) func() {
	for range 1000 {
		require.NoError(t, admin.RPush(t.Context(), "theirs", strings.Repeat("x", 10_000)).Err())
	}
	server.Exec("CONFIG", "SET", "maxmemory", "5mb")
	return func() {
		assert.Equal(t, int64(1000), admin.LLen(t.Context(), "theirs").Val())
		server.Exec("CONFIG", "SET", "maxmemory", "0")
	}
}

// cannotSave: a folder is where the file should go.
func cannotSave(t *testing.T, server *redistest.Server, admin *redis.Client) func() {
	file := filepath.Join(filepath.Dir(server.Socket()), "dump")
	require.NoError(t, os.Mkdir(file, 0o700))
	save := func(want string) {
		admin.BgSave(t.Context())
		eventually(t, func() bool {
			return strings.Contains(admin.Info(t.Context(), "persistence").Val(), "rdb_last_bgsave_status:"+want)
		})
	}
	save("err")
	return func() {
		require.NoError(t, os.Remove(file))
		save("ok")
	}
}

func configured(parameter, trouble, well string) func(*testing.T, *redistest.Server, *redis.Client) func() {
	return func(_ *testing.T, server *redistest.Server, _ *redis.Client) func() {
		server.Exec("CONFIG", "SET", parameter, trouble)
		return func() { server.Exec("CONFIG", "SET", parameter, well) }
	}
}

// busy: somebody's script runs for ever, until it is killed.
func busy(t *testing.T, server *redistest.Server, admin *redis.Client) func() {
	looping := server.Client(t, func(o *redis.Options) { o.ReadTimeout, o.MaxRetries = -1, -1 })
	ended := make(chan error, 1)
	go func() { ended <- looping.Eval(context.Background(), "while true do end", nil).Err() }()
	eventually(t, func() bool { return redis.HasErrorPrefix(admin.Ping(t.Context()).Err(), "BUSY") })
	return func() {
		eventually(t, func() bool { return admin.ScriptKill(t.Context()).Err() == nil })
		assert.Error(t, <-ended)
	}
}

// crowded: all connections are taken, and whoever has none gets none. The server says
// why, and hangs up before go-redis has written what it writes first: so it is mostly
// that which go-redis tells.
func crowded(t *testing.T, _ *redistest.Server, admin *redis.Client) func() {
	ctx := t.Context()
	require.NoError(t, admin.ConfigSet(ctx, "maxclients", "1").Err())
	for _, kind := range []string{"normal", "pubsub"} {
		require.NoError(t, admin.ClientKillByFilter(ctx, "TYPE", kind, "SKIPME", "yes").Err())
	}
	return func() { require.NoError(t, admin.ConfigSet(ctx, "maxclients", "1000").Err()) }
}

// loading: it reads its data anew, and takes its time.
func loading(t *testing.T, server *redistest.Server, admin *redis.Client) func() {
	server.Exec("EVAL", "for i = 1, 300 do redis.call('SET', 'theirs' .. i, string.rep(i, 1000)) end", 0)
	server.Exec("CONFIG", "SET", "loading-process-events-interval-bytes", "1024")
	server.Exec("CONFIG", "SET", "key-load-delay", "10000") // µs
	ended := make(chan error, 1)
	slow := server.Client(t, func(o *redis.Options) { o.ReadTimeout, o.MaxRetries = -1, -1 })
	go func() { ended <- slow.Do(context.Background(), "DEBUG", "RELOAD").Err() }()
	eventually(t, func() bool { return redis.HasErrorPrefix(admin.Ping(t.Context()).Err(), "LOADING") })
	return func() { require.NoError(t, <-ended) }
}
