package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/tokencache"
)

// environmentHelp is the part of -h about what is not a flag.
const environmentHelp = `Environment (secrets are never flags; demo reads none of it):
  REDIS_URL               where Redis is (default redis://127.0.0.1:6379)
                            redis://[user:password@]host:port[/db]
                            rediss://...  the same with TLS
                            unix://[user:password@]/path/to/redis.sock[?db=n]
                            ?cluster=true or ?addr=host:port...  Redis Cluster
                            ?master_name=name[&addr=host:port...]  Sentinel
                          Other options of go-redis follow the "?" as well,
                          such as dial_timeout=1s.
  REDIS_URL_FILE          a file that holds it, instead
  FEISHU_APP_ID           the app's id
  FEISHU_APP_SECRET       the app's secret
  FEISHU_APP_SECRET_FILE  a file that holds it, instead
                          ("-" for standard input; the last newline is cut)
  FEISHU_BASE_URL         the issuer (default https://open.feishu.cn;
                          Lark: https://open.larksuite.com)
  ONETOKEN_PREFIX         of all keys in Redis (default onetoken)

Exit status: 0 done, 1 failed, 2 usage or configuration, 3 the issuer refused,
and a person has to act.`

// maxFile bounds what is read from a file: a URL or a secret, not a log.
const maxFile = 64 << 10

// environment reads the configuration and collects every complaint about it,
// so that one run tells all of them. A complaint names the variable and never
// quotes its value: people put secrets into the wrong one.
type environment struct {
	getenv     func(string) string
	stdin      io.Reader
	stdinOf    string // the variable that was read from standard input
	pretend    bool   // any credential will do
	tls        bool   // REDIS_URL asks for it
	complaints []error
}

func (e *environment) complain(format string, args ...any) {
	e.complaints = append(e.complaints, fmt.Errorf(format, args...))
}

// err is nil, or all complaints as one usage error.
func (e *environment) err() error { return usage(errors.Join(e.complaints...)) }

func (e *environment) checkTimeout(timeout time.Duration) {
	if timeout <= 0 {
		e.complain("--timeout has to be more than 0, such as 15s")
	}
}

// hasCredential says whether there is one to read, or half of one to complain of.
func (e *environment) hasCredential() bool {
	return cmp.Or(e.getenv("FEISHU_APP_ID"), e.getenv("FEISHU_APP_SECRET"), e.getenv("FEISHU_APP_SECRET_FILE")) != ""
}

// feishu reads id and secret, and complains about them and baseURL.
func (e *environment) feishu(baseURL string) fetcher.FeishuConfig {
	secret, ok := e.orFile("FEISHU_APP_SECRET")
	c := fetcher.FeishuConfig{AppID: e.getenv("FEISHU_APP_ID"), AppSecret: secret, BaseURL: baseURL}
	judged := c
	if !ok {
		judged.AppSecret = "-" // a good one: why it is missing has been said
	}
	e.complainOfFields(judged.Validate())
	if c.AppID != "" && !isAppID(c.AppID) && isAppID(secret) {
		e.complain("FEISHU_APP_ID and FEISHU_APP_SECRET look swapped: it is the id that begins with cli_")
	}
	return c
}

// isAppID says whether s looks like an app id. What does not may be anything,
// a secret too.
func isAppID(s string) bool { return strings.HasPrefix(s, "cli_") }

// redis is a client that has connected to nothing yet. After a complaint it is
// one for nothing in particular, so that other checks can go on.
func (e *environment) redis() redis.UniversalClient {
	const local = "redis://127.0.0.1:6379"
	raw, ok := e.orFile("REDIS_URL")
	target, err := parseRedisURL(cmp.Or(raw, local))
	if err != nil && ok {
		for _, complaint := range joined(err) {
			e.complain("REDIS_URL %w", complaint)
		}
	}
	if err != nil {
		target, _ = parseRedisURL(local)
	}
	e.tls = target.hasTLS()
	return target.client()
}

// hint marks a silence of Redis if the URL tells more about it. A server that
// does not speak TLS waits for the rest of a command that is none.
func (e *environment) hint(err error) error {
	trouble, ok := errors.AsType[*tokencache.RedisError](err)
	if !ok || !e.tls || (trouble.Name != "timeout" && trouble.Name != "unreachable") {
		return err
	}
	return &tlsError{err}
}

// complainOfFields turns complaints about fields of a Config into complaints
// about the variables they came from.
func (e *environment) complainOfFields(err error) {
	if err == nil {
		return
	}
	for _, complaint := range joined(err) {
		text := strings.TrimPrefix(strings.TrimPrefix(complaint.Error(), "fetcher: "), "tokencache: ")
		if e.pretend {
			text = samplesOf.Replace(text)
		}
		e.complain("%s", variableOf.Replace(text))
	}
}

var samplesOf = strings.NewReplacer(
	"AppID is empty", "FEISHU_APP_ID is not set: any will do, e.g. FEISHU_APP_ID=cli_try",
	"AppSecret is empty", "FEISHU_APP_SECRET is not set: any will do, e.g. FEISHU_APP_SECRET=try-secret",
)

var variableOf = strings.NewReplacer(
	"AppID is empty", "FEISHU_APP_ID is not set: it is the app's id, from the developer console",
	"AppSecret is empty", "FEISHU_APP_SECRET is not set: set it, or FEISHU_APP_SECRET_FILE to a file that holds it",
	"AppID", "FEISHU_APP_ID",
	"AppSecret", "FEISHU_APP_SECRET",
	"BaseURL", "FEISHU_BASE_URL",
	"Prefix", "ONETOKEN_PREFIX",
)

// orFile reads the variable, or the file that the variable with _FILE names.
// Neither is set: "". It is false after a complaint.
func (e *environment) orFile(name string) (value string, ok bool) {
	value, file := e.getenv(name), e.getenv(name+"_FILE")
	if file == "" {
		return value, true
	}
	if value != "" {
		e.complain("%s and %s_FILE are both set: keep one", name, name)
		return "", false
	}
	raw, err := e.read(file, name)
	if err != nil {
		e.complain("%s_FILE cannot be read: %w", name, err)
		return "", false
	}
	value = cutNewline(raw)
	if value == "" {
		e.complain("%s_FILE names an empty file: write the value into it", name)
		return "", false
	}
	return value, true
}

// cutNewline cuts the last one, as editors and echo leave it.
func cutNewline(raw string) string { return strings.TrimSuffix(strings.TrimSuffix(raw, "\n"), "\r") }

func (e *environment) read(file, name string) (string, error) {
	if file == "-" {
		if e.stdinOf != "" {
			return "", fmt.Errorf("standard input is taken by %s_FILE already", e.stdinOf)
		}
		e.stdinOf = name
		return readBounded(e.stdin)
	}
	f, err := os.Open(file)
	if err != nil {
		return "", withoutPath(err)
	}
	defer f.Close() //nolint:errcheck // only read
	raw, err := readBounded(f)
	return raw, withoutPath(err)
}

func readBounded(r io.Reader) (string, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err == nil && len(raw) > maxFile {
		err = fmt.Errorf("it is larger than %d KiB", maxFile>>10)
	}
	return string(raw), err
}

// withoutPath drops the file's name: it may be the secret itself, set as
// X_FILE instead of X.
func withoutPath(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}
