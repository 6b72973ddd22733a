package tokencache

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// protectedMode begins as Redis 7.0 does.
const protectedMode = "DENIED Redis is running in protected mode because protected mode is enabled and no password is set for the default user. " +
	"In this mode connections are only accepted from the loopback interface. If you want to connect from external computers to Redis you may adopt one of " +
	"the following solutions: 1) Just disable protected mode sending the command 'CONFIG SET protected-mode no' from the loopback interface."

func TestF17RedisTroubleHasNames(t *testing.T) {
	for _, test := range []struct{ name, text string }{
		{"WRONGTYPE", "WRONGTYPE Operation against a key holding the wrong kind of value"},
		{"OOM", "OOM command not allowed when used memory > 'maxmemory'."},
		{"READONLY", "READONLY You can't write against a read only replica."},
		{"LOADING", "LOADING Redis is loading the dataset in memory"},
		{"MISCONF", "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk."},
		{"NOAUTH", "NOAUTH Authentication required."},
		{"WRONGPASS", "WRONGPASS invalid username-password pair or user is disabled."},
		{"NOPERM", "NOPERM this user has no permissions to run the 'evalsha' command"},
		{"TRYAGAIN", "TRYAGAIN Multiple keys request during rehashing of slot"},
		{"NOREPLICAS", "NOREPLICAS Not enough good replicas to write."},
		{"MASTERDOWN", "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'."},
		{"CLUSTERDOWN", "CLUSTERDOWN Hash slot not served"},
		{"CROSSSLOT", "CROSSSLOT Keys in request don't hash to the same slot"},
		{"BUSY", "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE."},
		{"DENIED", protectedMode},
		{"other", "DENIED by the policy of the proxy"},
		{"MAXCLIENTS", "ERR max number of clients reached"},
		{"NOPERM", "ERR The user executing the script can't run this command or subcommand"},
		{"NOPERM", "ERR The user executing the script can't access at least one of the keys mentioned in the command arguments"},
		{"NOPERM", "ERR ACL failure in script: User us has no permissions to run the 'hset' command"},
		{"NODB", "ERR DB index is out of range"},
		{"NOCLUSTER", "ERR This instance has cluster support disabled"},
		{"other", "ERR unknown command 'EVALSHA'"},
		{"other", "BUSYGROUP Consumer Group name already exists"},
		{"other", "NOSCRIPT No matching script. Please use EVAL."},
		{"other", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, Trouble(test.name), redisTrouble(reply(test.text)))
			assert.Equal(t, Trouble(test.name), redisTrouble(fmt.Errorf("lock: acquire: %w", reply(test.text))), "wrapped in Go")
			if test.name == "other" {
				return
			}
			for how, wrapped := range map[string]string{
				"Redis 6.2":       "ERR Error running script (call to f_0123456789abcdef): @user_script:12: " + test.text,
				"Redis 6.2 twice": "ERR Error running script (call to f_0123456789abcdef): @user_script:12: @user_script: 12: -" + test.text,
				"Redis 7":         test.text + " script: 0123456789abcdef, on @user_script:12.",
				"miniredis":       "ERR Error compiling script (new function): user_script:12: " + test.text + " stack traceback: [G]: in function 'call'",
			} {
				assert.Equal(t, Trouble(test.name), redisTrouble(reply(wrapped)), how)
			}
		})
	}
}

func TestSilenceHasNames(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	for _, test := range []struct {
		name string
		err  error
		want string
	}{
		{"dial refused", refused, "unreachable"},
		{"dial refused, wrapped", fmt.Errorf("dial: %w", refused), "unreachable"},
		{"no such host", &net.DNSError{Err: "no such host", Name: "redis", IsNotFound: true}, "unreachable"},
		{"EOF", io.EOF, "unreachable"},
		{"reset", &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}, "unreachable"},
		{"closed client", redis.ErrClosed, "unreachable"},
		{"pool exhausted", redis.ErrPoolExhausted, "pool"},
		{"no certificate", errors.New("remote error: tls: certificate required"), "tls"},
		{"unknown authority", fmt.Errorf("dial: %w", x509.UnknownAuthorityError{}), "tls"},
		{"pool timeout", redis.ErrPoolTimeout, "pool"},
		{"our time is up", context.DeadlineExceeded, "timeout"},
		{"our time is up, wrapped", fmt.Errorf("lock: acquire: %w", context.DeadlineExceeded), "timeout"},
		{"read timed out", &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}, "timeout"},
		{"dial timed out", &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ETIMEDOUT)}, "timeout"},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, Trouble(test.want), redisTrouble(test.err))
			assert.False(t, answered(test.err))
		})
	}
	assert.True(t, answered(nil))
	assert.True(t, answered(redis.Nil))
	assert.True(t, answered(fmt.Errorf("wrapped: %w", reply("OOM x"))))
}

func TestRedisErrorReads(t *testing.T) {
	for _, trouble := range Troubles() {
		want := "redis " + string(trouble) + ": cause"
		switch trouble {
		case TroubleOther:
			want = "redis: cause"
		case TroubleProtocol: // the cause may be anything
			want = "redis protocol"
		}
		if advice := trouble.Advice(); advice != "" {
			want += ": " + advice
		}
		assert.EqualError(t, &RedisError{Trouble: trouble, ID: "x:a:d", Err: errors.New("cause")}, want)
	}
	for _, test := range []struct{ edge, says, want string }{
		{"code and full stop", "OOM command not allowed when used memory > 'maxmemory'.", "redis OOM: command not allowed when used memory > 'maxmemory': " + troubleAdvice["OOM"]},
		{"code of a script", "READONLY You can't write against a read only replica. script: 0123456789abcdef, on @user_script:12.", "redis READONLY: You can't write against a read only replica: " + troubleAdvice["READONLY"]},
		{"a page of advice", protectedMode, "redis DENIED: Redis is running in protected mode because protected mode is enabled and no password is set for the default user: " + troubleAdvice["DENIED"]},
		{"no code", "ERR DB index is out of range", "redis NODB: DB index is out of range: " + troubleAdvice["NODB"]},
		{"a code we have no name for", "ERR unknown command 'EVALSHA'", "redis: unknown command 'EVALSHA'"},
		{"several lines", "redis: all sentinels are unreachable: a\nb", "redis sentinel: all sentinels are unreachable: a; b: " + troubleAdvice["sentinel"]},
	} {
		t.Run(test.edge, func(t *testing.T) { assert.EqualError(t, redisErrorOf(reply(test.says), "x:a:d"), test.want) })
	}
	assert.EqualError(t, &RedisError{Trouble: "paused"}, "redis paused")
	for _, hungUp := range []error{io.EOF, &net.OpError{Op: "write", Net: "tcp", Err: os.NewSyscallError("write", syscall.EPIPE)}} {
		assert.EqualError(t, redisErrorOf(hungUp, "x:a:d"), "redis unreachable: "+hungUp.Error()+": "+redisHungUp)
	}
}

// F35: a server that turns a connection down says why and hangs up. Whether the client reads that
// or first fails to write, the error says what to look at.
func TestTurnedDown(t *testing.T) {
	for name, c := range map[string]struct{ says, advice string }{
		"DENIED":     {protectedMode, "set a password|protected mode"},
		"MAXCLIENTS": {"ERR max number of clients reached", "maxclients"},
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			require.NoError(t, err)
			defer listener.Close()
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					_, _ = io.WriteString(conn, "-"+c.says+"\r\n")
					_ = conn.Close()
				}
			}()
			rdb := redis.NewClient(&redis.Options{Addr: listener.Addr().String(), MaxRetries: -1, Password: "p"})
			defer rdb.Close()
			e := redisErrorOf(rdb.Ping(t.Context()).Err(), "x:a:d")
			assert.Contains(t, []Trouble{Trouble(name), TroubleUnreachable}, e.Trouble)
			assert.Regexp(t, c.advice, e.Advice(), e.Error())
		})
	}
}

// F35: what answers in another language is told apart from what does not answer,
// and not quoted.
func TestNotRedis(t *testing.T) {
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	addr := web.Listener.Addr().String()
	single := redis.NewClient(&redis.Options{Addr: addr, MaxRetries: -1})
	defer single.Close()
	e := redisErrorOf(single.Ping(t.Context()).Err(), "x:a:d")
	assert.EqualError(t, e, "redis protocol: "+troubleAdvice[TroubleProtocol])
	assert.Contains(t, e.Err.Error(), "HTTP/1.1", "which is not said")

	sentinel := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "m", SentinelAddrs: []string{addr}, MaxRetries: -1})
	defer sentinel.Close()
	assert.Equal(t, TroubleSentinel, redisTrouble(sentinel.Ping(t.Context()).Err()))
}

// What a person should do stands at the end of the text, so that who shows it by itself can
// leave it out there.
func TestAdviceEndsTheText(t *testing.T) {
	hungUp := redisErrorOf(io.EOF, "x:a:d")
	for name, test := range map[string]struct {
		err  *RedisError
		want string
	}{
		"of the trouble":            {redisErrorOf(reply("MISCONF no disk"), "x:a:d"), TroubleMisconf.Advice()},
		"of a server that hung up":  {hungUp, redisHungUp},
		"of what it was paused for": {&RedisError{Trouble: TroublePaused, before: hungUp}, redisHungUp},
		"none":                      {redisErrorOf(reply("CLUSTERDOWN x"), "x:a:d"), ""},
	} {
		assert.Equal(t, test.want, test.err.Advice(), name)
		assert.True(t, strings.HasSuffix(test.err.Error(), test.want), name)
		if test.want != "" {
			assert.Equal(t, 1, strings.Count(test.err.Error(), test.want), name)
		}
	}
}

func TestRedisErrorUnwraps(t *testing.T) {
	cause := reply("OOM command not allowed")
	err := fmt.Errorf("get: %w", redisErrorOf(cause, "x:a:d"))
	assert.ErrorIs(t, err, ErrRedis)
	assert.ErrorIs(t, err, cause)
	var e *RedisError
	require.ErrorAs(t, err, &e)
	assert.Equal(t, RedisError{Trouble: "OOM", ID: "x:a:d", Err: cause}, *e)
	assert.Same(t, e, redisErrorOf(err, "other"), "named once")
	assert.ErrorIs(t, &RedisError{Trouble: "paused"}, ErrRedis)
}
