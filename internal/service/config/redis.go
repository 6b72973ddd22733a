package config

import (
	"cmp"
	"context"
	neturl "net/url"
	"strconv"
	"strings"
	"unicode"

	"github.com/onetoken-go/onetoken/redisurl"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Redis is where tokens are shared. It prints without secrets.
type Redis struct {
	// Target is of url, url_file or url_env, of [redisurl.Local] without one, and without what User,
	// Password and TLS say. Whoever makes a client of it puts these in.
	Target *redisurl.Target

	// Prefix of all keys in Redis; "" is the default of tokencache.Config, onetoken.
	Prefix string

	// User and Password log in. The zero ones: as the URL says. A Password alone is of the default user.
	User     string
	Password tokencache.Secret

	// TLS to connect with; nil: as the URL says.
	TLS *ClientTLS

	// Restart is a digest of what cannot change in a process that runs: URL, prefix, user, whether
	// there is TLS. Password and TLS files can. It is keyed as Config.Digest is.
	Restart string
}

const maxPrefix = 128 // of tokencache.Config

var redisKeys = keys{
	known: []string{"url", "url_file", "url_env", "prefix", "user", "password_file", "password_env", "tls"},
	refused: map[string]string{
		"password": inline("password"),
		"username": "is called user here",
	},
}

// redis is the one of this host where it is absent.
func (in *inputs) redis(ctx context.Context, v value) Redis {
	s, _ := in.section(v, redisKeys)
	s.path = "redis" // absent, too
	url := in.either(ctx, s, "url")
	raw := redisurl.Local
	if url.ok {
		raw = url.text
	}
	password := in.secret(ctx, s, "password", "")
	c := Redis{
		Target:   in.target(url, raw),
		Prefix:   in.prefix(s.get("prefix")),
		User:     in.user(s.get("user")),
		Password: password.secret(),
		TLS:      in.clientTLS(ctx, s.get("tls")),
	}
	if c.Target != nil && (url.ok || url.node == nil) {
		in.checkLogin(s, url, c)
		in.checkRedisTLS(s.get("tls"), c)
	}
	c.Restart = digestOf(withoutPassword(raw), c.Prefix, c.User, strconv.FormatBool(c.TLS != nil))
	return c
}

// withoutPassword is a URL but for that, which is looked up for each connection.
func withoutPassword(raw string) string {
	u, err := neturl.Parse(raw)
	if err != nil || u.User == nil {
		return raw
	}
	u.User = neturl.User(u.User.Username())
	return u.String()
}

// target is nil after a complaint.
func (in *inputs) target(url found, raw string) *redisurl.Target {
	t, err := redisurl.Parse(raw)
	for _, complaint := range each(err) {
		in.complain(url.value, complaint.Error()) // by the rules of Parse a predicate, which quotes nothing
	}
	if err != nil {
		return nil
	}
	if url.key == "url" && hasPassword(t) {
		in.complain(url.value, "has a password in it, and no secret stands in this file: leave user and password out, "+
			"and set user and password_file, or write the whole URL into a file and name that by url_file")
	}
	return t
}

// each are the errors that were joined, by errors.Join itself.
func each(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, one := range joined.Unwrap() {
		all = append(all, each(one)...)
	}
	return all
}

func hasPassword(t *redisurl.Target) bool {
	switch {
	case t.Sentinel != nil:
		return cmp.Or(t.Sentinel.Password, t.Sentinel.SentinelPassword) != ""
	case t.Cluster != nil:
		return t.Cluster.Password != ""
	}
	return t.Single.Password != ""
}

// prefix has the rules of tokencache.Config.
func (in *inputs) prefix(v value) string {
	prefix, _ := in.text(v)
	if strings.ContainsFunc(prefix, func(c rune) bool { return c == '{' || c == '}' || unicode.IsSpace(c) || unicode.IsControl(c) }) {
		in.complain(v, "has braces, spaces or control characters: leave them out")
	}
	if len(prefix) > maxPrefix {
		in.complainf(v, "is longer than %d bytes", maxPrefix)
	}
	return prefix
}

func (in *inputs) user(v value) string {
	user, _ := in.text(v)
	if strings.ContainsFunc(user, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) }) {
		in.complain(v, "has a blank or a control character, which no user of Redis has")
	}
	return user
}

// checkLogin wants one password, and none of which nobody thinks.
func (in *inputs) checkLogin(s section, url found, c Redis) {
	password := s.has("password_file") || s.has("password_env")
	switch {
	case hasPassword(c.Target) && password:
		in.complain(url.value, "has a password in it, beside the one of its own key: keep one")
	case c.User != "" && hasPassword(c.Target):
		in.complain(s.get("user"), "stands beside a URL with a password in it: write both into the URL, or neither")
	case c.User != "" && !password:
		in.complain(s.get("user"), "has no password, so that nobody would be logged in: set password_file or password_env")
	}
}

// checkRedisTLS complains of what the URL says otherwise.
func (in *inputs) checkRedisTLS(v value, c Redis) {
	if v.node == nil {
		return
	}
	switch single := c.Target.Single; {
	case single != nil && single.Network == "unix":
		in.complain(v, "is not for a socket: leave it out, or give a URL with host and port")
	case isUnverified(c.Target):
		in.complain(v, "stands beside a URL with skip_verify=true, by which no certificate is looked at: leave that out")
	}
}

func isUnverified(t *redisurl.Target) bool {
	switch {
	case t.Sentinel != nil && t.Sentinel.TLSConfig != nil:
		return t.Sentinel.TLSConfig.InsecureSkipVerify
	case t.Single != nil && t.Single.TLSConfig != nil:
		return t.Single.TLSConfig.InsecureSkipVerify
	}
	return false
}
