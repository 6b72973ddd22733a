package main

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/internal/plain"
)

// What is wrong with a REDIS_URL as a whole. net/url and go-redis quote what they could not
// parse, password and all, and drop silently what they do not know: a fragment, a host in
// unix://, a parameter with a ";", all but one of two. So each part is looked at here first,
// and an error names the part, never its value.
var (
	errRedisBare     = errors.New("has no scheme: it has to look like redis://127.0.0.1:6379")
	errRedisScheme   = errors.New("does not begin with redis://, rediss:// or unix://: see onetoken -h")
	errRedisFragment = errors.New("has a fragment, all from a # on: write %23 for a # in user, password or parameters")
	errRedisLateAt   = errors.New("has an @ in its path: write %2F for a / and %3F for a ? in user and password")
	errRedisUser     = errors.New("has a user or password with characters that have to be percent-encoded, such as %25 for a %")
	errRedisNoPass   = errors.New("has a user and no password: nobody would be logged in; a password alone is redis://:password@host")
	errRedisNoHost   = errors.New("names no host: write one, such as 127.0.0.1; write %2F for a / and %3F for a ? in user and password")
	errRedisHost     = errors.New("has a host that is none: a name, an IPv4 address, or an IPv6 address in brackets; further ones are addr=host:port")
	errRedisZone     = errors.New("has a host with a zone after a bare %: write %25 for it, as in [fe80::1%25eth0]")
	errRedisPort     = errors.New("has a port that is no number from 1 to 65535; write %2F for a / and %3F for a ? in user and password")
	errRedisNoPath   = errors.New("has no path: a socket is unix:///path/to/redis.sock, with three slashes")
	errRedisUnixHost = errors.New("has a host: a socket is unix:///path/to/redis.sock, with three slashes")
	errRedisPath     = errors.New("has a path that is no database number: it has to look like redis://host:6379/0")
	errRedisTwoDB    = errors.New("has a database in its path and in db=: keep one")
	errRedisOneDB    = errors.New("has a database other than 0 in its path: a Cluster has no other")
	errRedisQuery    = errors.New("has a query that cannot be decoded: write %25 for a % in it")
	errRedisSemi     = errors.New("has a ; in its query: separate parameters by &, and write %3B for a ; that is meant")
	errRedisPlus     = errors.New("has a + in its query, which would be read as a space: write %2B for a plus, %20 for a space")
	errRedisUnknown  = errors.New("has a parameter that is not known: see the options of go-redis' ParseURL")
	errRedisMode     = errors.New("asks for Cluster and Sentinel at once: give cluster=true or master_name=, not both")
	errRedisNoMode   = errors.New("has addr= and cluster=false: further addresses are for Cluster and Sentinel")
	errRedisRoute    = errors.New("routes reads to replicas: leave out read_only, replica_only and route_..., tokens are read from the primary")
	errRedisOption   = errors.New("has a part go-redis does not take: see the database number after the host and the options after the \"?\"")
)

// redisURL is one as it was written, taken apart.
type redisURL struct {
	scheme, user, host, path, query string
	hasUser                         bool
	params                          url.Values
}

// parseRedisURL says what kind of Redis is meant and leaves the rest to go-redis. Its errors,
// which may be several, hold nothing of the URL but names of known parameters.
func parseRedisURL(raw string) (*redisTarget, error) {
	w, err := splitRedisURL(raw)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(w.checkAddress(), w.decodeQuery()); err != nil {
		return nil, err
	}
	kind, err := w.kind()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(w.checkPath(kind), w.checkParameters(kind), w.checkPairs()); err != nil {
		return nil, err
	}
	return w.target(kind)
}

// splitRedisURL cuts where net/url would.
func splitRedisURL(raw string) (*redisURL, error) {
	if fault := plain.Fault(raw); fault != "" {
		return nil, errors.New("cannot be read: " + fault)
	}
	if strings.Contains(raw, "#") {
		return nil, errRedisFragment
	}
	scheme, rest, _ := strings.Cut(raw, ":")
	scheme = strings.ToLower(scheme)
	slashes := strings.HasPrefix(rest, "//")
	if !slashes && scheme != "unix" {
		return nil, errRedisBare
	}
	if scheme != "redis" && scheme != "rediss" && scheme != "unix" {
		return nil, errRedisScheme
	}
	w := &redisURL{scheme: scheme}
	rest, w.query, _ = strings.Cut(rest, "?")
	if !slashes {
		w.path = rest
		return w, nil
	}
	authority, path, cut := strings.Cut(rest[2:], "/")
	if cut {
		w.path = "/" + path
	}
	if at := strings.LastIndex(authority, "@"); at >= 0 {
		w.hasUser, w.user, authority = true, authority[:at], authority[at+1:]
	}
	w.host = authority
	return w, nil
}

// checkAddress looks at what stands before the path.
func (w *redisURL) checkAddress() error {
	if w.scheme != "unix" && strings.Contains(w.path, "@") {
		return errRedisLateAt // then the other parts are not where they seem
	}
	errs := []error{w.checkUser()}
	switch {
	case w.scheme != "unix":
		errs = append(errs, checkHostPort(w.host, "%25"))
	case w.host != "":
		errs = append(errs, errRedisUnixHost)
	}
	return errors.Join(errs...)
}

func (w *redisURL) checkUser() error {
	if !w.hasUser {
		return nil
	}
	u, err := url.Parse("redis://" + w.user + "@h")
	if err != nil || u.User == nil {
		return errRedisUser
	}
	if password, _ := u.User.Password(); u.User.Username() != "" && password == "" {
		return errRedisNoPass
	}
	return nil
}

// checkHostPort wants a host, and perhaps a port. percent stands before a zone: %25 in a URL, and %
// in a parameter, which is decoded.
func checkHostPort(s, percent string) error {
	host, port := s, ""
	colon := strings.LastIndex(s, ":")
	if colon > strings.LastIndex(s, "]") {
		host, port = s[:colon], s[colon+1:]
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return errRedisPort
		}
	}
	inner, opened := strings.CutPrefix(host, "[")
	if inner, closed := strings.CutSuffix(inner, "]"); opened && closed && inner != "" {
		return checkIPv6(inner, percent)
	}
	switch u, err := url.Parse("redis://" + host); {
	case host == "" || host == "[]":
		return errRedisNoHost
	case err != nil || u.Hostname() == "" || u.Port() != "" || u.Host != host || strings.ContainsFunc(u.Hostname(), isNotOfHosts):
		return errRedisHost
	}
	return nil
}

// checkIPv6 looks at what stands in brackets.
func checkIPv6(s, percent string) error {
	address, zone, zoned := strings.Cut(s, percent)
	if !zoned && strings.Contains(s, "%") {
		return errRedisZone
	}
	if zoned {
		address += "%" + zone
	}
	ip, err := netip.ParseAddr(address)
	if err != nil || !ip.Is6() || strings.ContainsFunc(zone, isNotOfHosts) {
		return errRedisHost
	}
	return nil
}

// isNotOfHosts finds lists of hosts, which would be looked up as one name, and what is
// rather of a password: a host that is not found is printed.
func isNotOfHosts(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._:", r)
}

// decodeQuery fills params. url.Values would do without what it cannot decode.
func (w *redisURL) decodeQuery() error {
	switch {
	case strings.Contains(w.query, ";"):
		return errRedisSemi
	case strings.Contains(w.query, "+"):
		return errRedisPlus
	}
	var err error
	if w.params, err = url.ParseQuery(w.query); err != nil {
		return errRedisQuery
	}
	return nil
}

// kind says which Redis is meant.
func (w *redisURL) kind() (redisKind, error) {
	for name := range w.params {
		if strings.HasPrefix(name, "route_") || name == "read_only" || name == "replica_only" {
			return 0, errRedisRoute // stale tokens; and with Sentinel some make go-redis panic
		}
	}
	cluster := w.params.Get("cluster")
	asked, err := strconv.ParseBool(cluster)
	sentinel, more := w.params.Has("master_name"), w.params.Has("addr")
	switch {
	case w.params.Has("cluster") && err != nil:
		return 0, errors.New("has a cluster= that is neither true nor false")
	case w.scheme == "unix" && (asked || sentinel || more):
		return 0, errors.New("asks for Cluster or Sentinel at a socket: give redis://host:port")
	case asked && sentinel:
		return 0, errRedisMode
	case sentinel:
		return redisSentinels, nil
	case asked:
		return redisCluster, nil
	case more && cluster != "":
		return 0, errRedisNoMode
	case more:
		return redisCluster, nil
	}
	return redisSingle, nil
}

// checkPath wants a database's number, or a socket.
func (w *redisURL) checkPath(kind redisKind) error {
	if w.scheme == "unix" {
		u, err := url.Parse("unix://" + w.path)
		if err != nil || !strings.HasPrefix(w.path, "/") || strings.Trim(u.Path, "/") == "" {
			return errRedisNoPath
		}
		return nil
	}
	number := strings.TrimPrefix(w.path, "/")
	if number == "" {
		return nil
	}
	n, err := strconv.ParseUint(number, 10, 31)
	switch {
	case err != nil:
		return errRedisPath
	case kind == redisCluster && n != 0:
		return errRedisOneDB
	case w.params.Has("db"):
		return errRedisTwoDB
	}
	return nil
}

// checkParameters looks at each by itself.
func (w *redisURL) checkParameters(kind redisKind) error {
	var errs []error
	unknown := false
	for _, name := range slices.Sorted(maps.Keys(w.params)) {
		p, ok := redisParameters[name]
		if !ok {
			unknown = true // its name may be part of a password
			continue
		}
		if complaint := p.complaint(name, w.params[name], kind, w.scheme); complaint != "" {
			errs = append(errs, fmt.Errorf("has a parameter %s=, which %s", name, complaint))
		}
	}
	if unknown {
		errs = append(errs, errRedisUnknown)
	}
	return errors.Join(errs...)
}

// checkPairs looks at parameters that mean something only together, or not together.
func (w *redisURL) checkPairs() error {
	var errs []error
	for _, two := range [][2]string{{"conn_max_idle_time", "idle_timeout"}, {"conn_max_lifetime", "max_conn_age"}} {
		if w.params.Has(two[0]) && w.params.Has(two[1]) {
			errs = append(errs, fmt.Errorf("has %s= and %s=, which are the same: keep one", two[0], two[1]))
		}
	}
	if w.params.Has("conn_max_lifetime_jitter") && !w.params.Has("conn_max_lifetime") && !w.params.Has("max_conn_age") {
		errs = append(errs, errors.New("has conn_max_lifetime_jitter= without conn_max_lifetime="))
	}
	if w.params.Has("username") && !w.params.Has("password") {
		errs = append(errs, errors.New("has username= without password=: nobody would be logged in"))
	}
	return errors.Join(errs...)
}

// target leaves the parsing to go-redis, which has nothing to drop any more.
func (w *redisURL) target(kind redisKind) (*redisTarget, error) {
	w.params.Del("cluster") // ours, not go-redis'
	user := ""
	if w.hasUser {
		user = w.user + "@"
	}
	whole := w.scheme + "://" + user + w.host + w.path + "?" + w.params.Encode()
	var t redisTarget
	var err error
	switch kind {
	case redisSentinels:
		t.sentinel, err = redis.ParseFailoverURL(whole)
	case redisCluster:
		t.cluster, err = redis.ParseClusterURL(whole)
	default:
		t.single, err = redis.ParseURL(whole)
	}
	if err != nil {
		return nil, errRedisOption
	}
	return &t, nil
}
