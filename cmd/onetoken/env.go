package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/fetcher"
	"github.com/onetoken-go/onetoken/internal/advice"
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
                          What is special in it is percent-encoded: %23 for a #.
  REDIS_URL_FILE          a file that holds it, instead ("-": standard input)
  FEISHU_APP_ID           the app's id
  FEISHU_APP_SECRET       the app's secret
  FEISHU_APP_SECRET_FILE  a file that holds it, instead
                          ("-": standard input; the last newline is cut; it is
                          given up after --timeout, or 15 s)
  FEISHU_BASE_URL         the issuer (default https://open.feishu.cn;
                          Lark: https://open.larksuite.com)
  ONETOKEN_KIND           feishu (default); or oauth2: then, not FEISHU_*, but
  OAUTH2_TOKEN_URL        the token endpoint of an OAuth 2 server
  OAUTH2_CLIENT_ID        the client's id
  OAUTH2_CLIENT_SECRET    the client's secret
  OAUTH2_CLIENT_SECRET_FILE  a file that holds it, instead; as above
  OAUTH2_AUTH             basic (default): id and secret go by HTTP Basic;
                          body: in the body
  OAUTH2_SCOPES           what the token is for, with spaces between
  OAUTH2_AUDIENCE         the API it is for, if the server has such a parameter
  OAUTH2_RESOURCE         the same by RFC 8707, with spaces between
  OAUTH2_PARAMS           further pairs that the server wants, no secrets:
                          a=b&c=d, with what is special percent-encoded
  OAUTH2_LIFE             how long a token lives, such as 1h, if the server does
                          not say
  OAUTH2_MAX_LIFE         the longest life to believe (default 720h)
  ONETOKEN_PREFIX         of all keys in Redis (default onetoken)
  ONETOKEN_NO_DIRECT      true: with Redis in trouble the issuer is not asked
                          around it, and there is no token (default false)
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY  the way to the issuer
  SSL_CERT_FILE, SSL_CERT_DIR        whom to trust, of Redis and the issuer
  TERM                    whether status --watch and demo may paint

The refresher reads the secret's file again, every 2 s and when the secret is
refused, unless it is standard input or a pipe: a rotated secret needs no
restart. All else is read once: a new REDIS_URL_FILE, or CA files, need one.

Exit status: 0 done, 1 failed, 2 usage or configuration, 3 the issuer refused,
and a person has to act.`

// environment reads the configuration and collects every complaint about it,
// so that one run tells all of them. A complaint names the variable and never
// quotes its value: people put secrets into the wrong one.
type environment struct {
	input
	pretend    bool   // any credential will do
	tls        bool   // REDIS_URL asks for it
	unverified bool   // and no certificate is verified
	place      string // of the Redis it names, without secrets
	complaints []error
}

// environment has read nothing yet.
func (a *app) environment() *environment {
	return &environment{input: input{getenv: a.getenv, stdin: a.stdin}}
}

func (e *environment) complain(format string, args ...any) {
	e.complaints = append(e.complaints, fmt.Errorf(format, args...))
}

// err is nil, or all complaints as one usage error.
func (e *environment) err() error {
	if e.stopped {
		return errors.New("interrupted before the configuration was read")
	}
	complaints := make([]error, len(e.complaints))
	for i, complaint := range e.complaints {
		complaints[i] = errors.New(e.files.Named(complaint.Error()))
	}
	return usage(errors.Join(complaints...))
}

// limit is ctx with --timeout, which begins before anything is read.
func (e *environment) limit(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		e.complain("--timeout has to be more than 0, such as 15s")
		timeout = readTime
	}
	return context.WithTimeout(ctx, timeout)
}

// hasSecret says whether there is one to read: a credential, or without an id half of one to
// complain of. An id alone says whose tokens are meant.
func (e *environment) hasSecret() bool {
	secret := e.variables().secret
	return cmp.Or(e.getenv(secret), e.getenv(secret+"_FILE")) != ""
}

// noDirect says whether the issuer may only be asked through Redis.
func (e *environment) noDirect() bool {
	no, err := strconv.ParseBool(cmp.Or(e.getenv("ONETOKEN_NO_DIRECT"), "false"))
	if err != nil {
		e.complain("ONETOKEN_NO_DIRECT is neither true nor false")
	}
	return no
}

// feishu reads id and secret, and complains about them and baseURL.
func (e *environment) feishu(ctx context.Context, baseURL string) fetcher.FeishuConfig {
	secret, ok := e.orFile(ctx, "FEISHU_APP_SECRET")
	c := fetcher.FeishuConfig{AppID: e.getenv("FEISHU_APP_ID"), AppSecret: tokencache.NewSecret(secret), BaseURL: baseURL}
	judged := c
	if !ok {
		judged.AppSecret = tokencache.NewSecret("stand-in") // a good one: why it is missing has been said
	}
	e.complainOfFields(judged.Validate())
	if c.AppID != "" && !isAppID(c.AppID) && isAppID(secret) {
		e.complain("FEISHU_APP_ID and FEISHU_APP_SECRET look swapped: it is the id that begins with cli_")
	}
	return c
}

// orFile reads a variable, or its file. It is false after a complaint, or where another has been made
// instead.
func (e *environment) orFile(ctx context.Context, name string) (value string, ok bool) {
	value, err := e.value(ctx, name)
	if err != nil && !errors.Is(err, errUnread) {
		e.complain("%w", err)
	}
	return value, err == nil
}

// isAppID says whether s looks like an app id. What does not may be anything,
// a secret too.
func isAppID(s string) bool { return strings.HasPrefix(s, "cli_") }

// redis is a client that has connected to nothing yet. After a complaint it is
// one for nothing in particular, so that other checks can go on.
func (e *environment) redis(ctx context.Context) redis.UniversalClient {
	const local = "redis://127.0.0.1:6379"
	raw, ok := e.orFile(ctx, "REDIS_URL")
	target, err := parseRedisURL(cmp.Or(raw, local))
	if err != nil && ok {
		for _, complaint := range joined(err) {
			e.complain("REDIS_URL %w", complaint)
		}
	}
	if err != nil {
		target, _ = parseRedisURL(local)
	}
	e.tls, e.unverified, e.place = target.tls() != nil, target.unverified(), target.place()
	return target.client()
}

// setting is what the errors of a command depend on.
func (e *environment) setting() advice.Setting { return advice.Setting{Files: e.files, TLS: e.tls} }

// hint marks an error with what the environment knows about it.
func (e *environment) hint(err error) error { return e.setting().Mark(err) }

// words are those of an error for people, in one line, by the variables that were set.
func (e *environment) words(err error) string { return e.setting().Words(err) }

// complainOfFields turns complaints about fields of a Config into complaints
// about the variables they came from.
func (e *environment) complainOfFields(err error) {
	if err == nil {
		return
	}
	for _, complaint := range joined(err) {
		e.complain("%s", e.reworded(complaint))
	}
}

// reworded names the variable that a person has set in the place of the field.
func (e *environment) reworded(complaint error) string {
	text := complaint.Error()
	for _, name := range []string{"fetcher: ", "oauth2cc: ", "tokencache: "} {
		text = strings.TrimPrefix(text, name)
	}
	if e.pretend {
		text = samplesOf.Replace(text)
	}
	return e.files.Named(variableOf.Replace(text))
}

var samplesOf = strings.NewReplacer(
	"AppID is empty", "FEISHU_APP_ID is not set: any will do, e.g. FEISHU_APP_ID=cli_try",
	"AppSecret is empty", "FEISHU_APP_SECRET is not set: any will do, e.g. FEISHU_APP_SECRET=try-secret",
)

var variableOf = strings.NewReplacer(
	"AppID is empty", "FEISHU_APP_ID is not set: it is the app's id, from the developer console",
	"AppSecret is empty", "FEISHU_APP_SECRET is not set: set it, or FEISHU_APP_SECRET_FILE to a file that holds it",
	"TokenURL is empty", "OAUTH2_TOKEN_URL is not set: it is the server's token endpoint, such as https://login.example.com/oauth2/token",
	"ClientID is empty", "OAUTH2_CLIENT_ID is not set: it is what the server calls this client",
	"ClientSecret is empty", "OAUTH2_CLIENT_SECRET is not set: set it, or OAUTH2_CLIENT_SECRET_FILE to a file that holds it",
	"TokenURL", "OAUTH2_TOKEN_URL",
	"ClientID", "OAUTH2_CLIENT_ID",
	"all but ClientSecret may", "all but OAUTH2_CLIENT_SECRET may",
	"ClientSecret", "OAUTH2_CLIENT_SECRET",
	"Scopes", "OAUTH2_SCOPES",
	"Audience", "OAUTH2_AUDIENCE",
	"Resources", "OAUTH2_RESOURCE",
	"use the field of Config for it", "use the variable for it",
	"Params", "OAUTH2_PARAMS",
	"a MaxLife of", "an OAUTH2_MAX_LIFE of", "the MaxLife of", "the OAUTH2_MAX_LIFE of",
	"a Life of", "an OAUTH2_LIFE of",
	"AppID", "FEISHU_APP_ID",
	"AppSecret", "FEISHU_APP_SECRET",
	"BaseURL", "FEISHU_BASE_URL",
	"Prefix", "ONETOKEN_PREFIX",
)
