package tokencache_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"github.com/onetoken-go/onetoken/internal/redistest"
	"github.com/onetoken-go/onetoken/tokencache"
)

// script matches the commands that run one of our scripts or redislock's.
func script(names ...string) redistest.Match {
	return func(name string, args []string) bool { return slices.Contains(names, scriptOf(name, args)) }
}

// scriptOf names the script that a command runs, "" for none. Ours are known by
// their files, redislock's by how many arguments they have.
func scriptOf(name string, args []string) string {
	if name != "EVAL" && name != "EVALSHA" {
		return ""
	}
	if ours := ourScripts()[args[0]]; ours == "read" && len(args) == 8 {
		return "look" // which takes the lock
	} else if ours != "" {
		return ours
	}
	switch len(args) {
	case 6:
		return "obtain"
	case 5:
		return "extend"
	case 4:
		return "release"
	}
	panic(fmt.Sprintf("unknown script with %d arguments", len(args)))
}

// ourScripts gives names to hashes and to texts.
var ourScripts = sync.OnceValue(func() map[string]string {
	names := map[string]string{}
	for _, name := range []string{"read", "publish", "fail", "invalidate"} {
		text, err := os.ReadFile("scripts/" + name + ".lua")
		if err != nil {
			panic(err)
		}
		names[string(text)], names[redis.NewScript(string(text)).Hash()] = name, name
	}
	return names
})

// fetcherOf is a Fetcher of one credential.
func fetcherOf(fetch func(context.Context) (tokencache.Token, error)) tokencache.Fetcher {
	return tokencache.FetchFunc(tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "test", App: "app", Window: time.Minute}), fetch)
}

// answering is a Fetcher for an app, whose issuer has that window.
func answering(app string, window, life time.Duration) tokencache.Fetcher {
	issuer := tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "test", App: app, Window: window})
	return tokencache.FetchFunc(issuer, func(context.Context) (tokencache.Token, error) {
		return tokencache.NewToken("a-"+app, "t-"+app, life), nil
	})
}

// journal notes the moments of calls, of any number of apps.
type journal struct {
	mu sync.Mutex
	at []time.Time
}

func (j *journal) fetcher(app string) tokencache.Fetcher {
	issuer := tokencache.MustCredential(tokencache.CredentialConfig{Issuer: "fake", App: app, Window: 30 * time.Minute})
	return tokencache.FetchFunc(issuer, func(context.Context) (tokencache.Token, error) {
		j.mu.Lock()
		defer j.mu.Unlock()
		j.at = append(j.at, time.Now())
		return tokencache.NewToken(fmt.Sprint(app, len(j.at)), "", 2*time.Hour), nil
	})
}

func (j *journal) taken() []time.Time {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]time.Time(nil), j.at...)
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

var errForTest = errors.New("for the test")

func promptly(o *redis.Options)  { o.ContextTimeoutEnabled = true }
func atLeisure(o *redis.Options) { o.ContextTimeoutEnabled = false }

// silences are the ways in which a Redis does not answer. A default client meets
// each with so many retries that only RedisTimeout ends them.
var silences = map[string]func(*redistest.Link){
	"refused":                (*redistest.Link).Down,
	"black hole":             func(l *redistest.Link) { l.BlackHole(true); l.Cut() },
	"silent when open":       func(l *redistest.Link) { l.Silence(true) },
	"black hole, still open": func(l *redistest.Link) { l.BlackHole(true); l.Silence(true) },
	"slow by 2 s":            func(l *redistest.Link) { l.Delay(2 * time.Second) },
}

// slowReplies has what a replica asked for arrive late, and what it hears at once.
func slowReplies(by time.Duration) redistest.Shape {
	return redistest.Shape{
		Request: func(string, []string, time.Duration) time.Duration { return 0 },
		Reply: func(words []string, behind time.Duration) time.Duration {
			if len(words) > 0 && words[0] == "message" {
				return behind
			}
			return max(by, behind)
		},
	}
}

// nameOf is that of the script, or of the command.
func nameOf(cmd redis.Cmder) string {
	var args []string
	for _, arg := range cmd.Args() {
		args = append(args, fmt.Sprint(arg))
	}
	name := strings.ToUpper(args[0])
	if of := scriptOf(name, args[1:]); of != "" {
		return of
	}
	return name
}

// panicky is a hook that panics in commands of that name.
type panicky struct{ command string }

func (panicky) DialHook(next redis.DialHook) redis.DialHook { return next }
func (panicky) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (p panicky) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == p.command {
			panic(errForTest)
		}
		return next(ctx, cmd)
	}
}

// recorder is a testing.TB for testify that keeps what it says.
type recorder struct{ text strings.Builder }

func (r *recorder) Errorf(format string, args ...any) { fmt.Fprintf(&r.text, format, args...) }

// Secrets that look different in every encoding.
const (
	sharpSecret   = `s3cr&t/+="<x>%41'~` + "`"
	redisPassword = `p@ss/w+rd=?&"%7B`
)

// assertUnspoken looks for a secret as it is, and as it might have been written.
func assertUnspoken(t *testing.T, text, secret string) {
	t.Helper()
	inJSON, err := json.Marshal(secret)
	require.NoError(t, err)
	bytes := []byte(secret)
	for name, spelling := range map[string]string{
		"plain": secret, "half": secret[:len(secret)/2+1], "other half": secret[len(secret)/2-1:],
		"quoted": strings.Trim(strconv.Quote(secret), `"`), "twice quoted": strings.Trim(strconv.Quote(strconv.Quote(secret)), `"\`),
		"JSON": strings.Trim(string(inJSON), `"`), "query": url.QueryEscape(secret), "path": url.PathEscape(secret),
		"base64": base64.RawStdEncoding.EncodeToString(bytes), "base64 for URLs": base64.RawURLEncoding.EncodeToString(bytes),
		"hex": hex.EncodeToString(bytes), "HEX": strings.ToUpper(hex.EncodeToString(bytes)), "bytes": strings.Trim(fmt.Sprintf("%d", bytes), "[]"),
		"Go bytes": fmt.Sprintf("%#v", bytes)[len("[]byte{"):][:30],
	} {
		if i := strings.Index(text, spelling); i >= 0 {
			t.Errorf("a secret appears (%s): %.300s", name, text[max(0, i-150):])
		}
	}
}

// collector keeps all that a fleet says, in every way in which it can be printed.
type collector struct {
	mu  sync.Mutex
	buf bytes.Buffer
	id  string
}

func (c *collector) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.Write(p)
}

// String is what was collected so far.
func (c *collector) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.String()
}

func (c *collector) logger() *slog.Logger {
	return slog.New(slog.NewJSONHandler(c, &slog.HandlerOptions{Level: slog.LevelDebug, AddSource: true}))
}

func (c *collector) value(v any) {
	for _, verb := range verbs {
		_, _ = fmt.Fprintf(c, verb+"\n", v)
	}
	if text, err := json.Marshal(v); err == nil {
		_, _ = c.Write(append(text, '\n'))
	}
	slog.New(slog.NewTextHandler(c, nil)).Info("value", "v", v)
}

// error prints every error of a tree by itself.
func (c *collector) error(err error) {
	if err == nil {
		return
	}
	c.value(err)
	switch e := err.(type) { //nolint:errorlint // walks the tree link by link
	case interface{ Unwrap() error }:
		c.error(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, cause := range e.Unwrap() {
			c.error(cause)
		}
	}
	if refused, ok := errors.AsType[*tokencache.IssuerError](err); ok && refused != nil {
		c.value(*refused)
	}
}

func (c *collector) event(e tokencache.Event) {
	c.value(e)
	c.error(e.Err)
	c.mu.Lock()
	defer c.mu.Unlock()
	if strings.HasPrefix(e.ID, "feishu:") && c.id == "" {
		c.id = e.ID
	}
}

func (c *collector) key() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id
}

func (c *collector) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.String()
}

// verbs are all of fmt's that print a value in a way of their own, and wrong ones: these pass
// methods over, and print the fields.
var verbs = []string{
	"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%p", "%w", "%t", "%c", "%e", "%b", "%o", "%U", "%T", "%!v", "%y", "%10.3s",
}
