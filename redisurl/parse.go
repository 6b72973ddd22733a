// Package redisurl reads a Redis URL as the command onetoken reads its REDIS_URL, so that a
// service and the refresher beside it can have one setting:
//
//	redis://[user:password@]host[:port][/db]
//	rediss://...                                   the same with TLS
//	unix://[user:password@]/path/to/redis.sock[?db=n]
//	?cluster=true or ?addr=host:port...            Redis Cluster
//	?master_name=name[&addr=host:port...]          Sentinel
//
// Other options of go-redis follow the "?" as well, such as dial_timeout=1s. What is special in a
// URL is percent-encoded: %23 for a # in the password.
//
// go-redis' own ParseURL drops without a word what it does not know: all from a # on, parameters
// with a ";", a host in unix://, all but one of two. What it refuses it quotes, password and all.
// Here each part is either heeded or complained of, and no complaint shows anything of the URL
// but names of known parameters.
package redisurl

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

// What is wrong with a URL as a whole: each names the part, never its value.
var (
	errBare     = errors.New("has no scheme: it has to look like redis://127.0.0.1:6379")
	errSlashes  = errors.New("has no // after its scheme: it has to look like redis://127.0.0.1:6379")
	errQuotes   = errors.New("is in quotation marks: leave them out, not every reader of such a file removes them")
	errScheme   = errors.New("does not begin with redis://, rediss:// or unix://")
	errFragment = errors.New("has a fragment, all from a # on: write %23 for a # in user, password or parameters")
	errLateAt   = errors.New("has an @ in its path: write %2F for a / and %3F for a ? in user and password")
	errUser     = errors.New("has a user or password with characters that have to be percent-encoded, such as %25 for a %")
	errNoPass   = errors.New("has a user and no password: nobody would be logged in; a password alone is redis://:password@host")
	errNoHost   = errors.New("names no host: write one, such as 127.0.0.1; write %2F for a / and %3F for a ? in user and password")
	errHost     = errors.New("has a host that is none: a name, an IPv4 address, or an IPv6 address in brackets; further ones are addr=host:port")
	errZone     = errors.New("has a host with a zone after a bare %: write %25 for it, as in [fe80::1%25eth0]")
	errPort     = errors.New("has a port that is no number from 1 to 65535; write %2F for a / and %3F for a ? in user and password")
	errNoPath   = errors.New("has no path: a socket is unix:///path/to/redis.sock, with three slashes")
	errUnixHost = errors.New("has a host: a socket is unix:///path/to/redis.sock, with three slashes")
	errPath     = errors.New("has a path that is no database number: it has to look like redis://host:6379/0")
	errTwoDB    = errors.New("has a database in its path and in db=: keep one")
	errOneDB    = errors.New("has a database other than 0 in its path: a Cluster has no other")
	errQuery    = errors.New("has a query that cannot be decoded: write %25 for a % in it")
	errSemi     = errors.New("has a ; in its query: separate parameters by &, and write %3B for a ; that is meant")
	errPlus     = errors.New("has a + in its query, which would be read as a space: write %2B for a plus, %20 for a space")
	errUnknown  = errors.New("has a parameter that is not known: see the options of go-redis' ParseURL")
	errMode     = errors.New("asks for Cluster and Sentinel at once: give cluster=true or master_name=, not both")
	errNoMode   = errors.New("has addr= and cluster=false: further addresses are for Cluster and Sentinel")
	errRoute    = errors.New("routes reads to replicas: leave out read_only, replica_only and route_..., tokens are read from the primary")
	errOption   = errors.New("has a part go-redis does not take: see the database number after the host and the options after the \"?\"")
)

// written is a URL, taken apart.
type written struct {
	scheme, user, host, path, query string
	hasUser                         bool
	params                          url.Values
}

// Local is the URL of a Redis on this host.
const Local = "redis://127.0.0.1:6379"

// Parse reads a URL, without any I/O. Errors are all that is wrong with a part of it, joined, and
// predicates, to follow the name of where the URL was read: fmt.Errorf("REDIS_URL %w", err) reads
// "REDIS_URL has no scheme: ...". An empty URL is an error; see [Local].
func Parse(raw string) (*Target, error) {
	w, err := split(raw)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(w.checkAddress(), w.decodeQuery()); err != nil {
		return nil, err
	}
	k, err := w.kindOf()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(w.checkPath(k), w.checkParameters(k), w.checkPairs()); err != nil {
		return nil, err
	}
	return w.target(k)
}

// split cuts where net/url would.
func split(raw string) (*written, error) {
	if fault := plain.Fault(raw); fault != "" {
		return nil, errors.New("cannot be read: " + fault)
	}
	if strings.Contains(raw, "#") {
		return nil, errFragment
	}
	scheme, rest, _ := strings.Cut(raw, ":")
	scheme = strings.ToLower(scheme)
	slashes, known := strings.HasPrefix(rest, "//"), scheme == "redis" || scheme == "rediss" || scheme == "unix"
	switch {
	case strings.HasPrefix(raw, `"`) || strings.HasPrefix(raw, "'"):
		return nil, errQuotes
	case !slashes && known && scheme != "unix" && strings.HasPrefix(rest, "/"):
		return nil, errSlashes
	case !slashes && scheme != "unix":
		return nil, errBare
	case !known:
		return nil, errScheme
	}
	w := &written{scheme: scheme}
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
func (w *written) checkAddress() error {
	if w.scheme != "unix" && strings.Contains(w.path, "@") {
		return errLateAt // then the other parts are not where they seem
	}
	errs := []error{w.checkUser()}
	switch {
	case w.scheme != "unix":
		errs = append(errs, checkHostPort(w.host, "%25"))
	case w.host != "":
		errs = append(errs, errUnixHost)
	}
	return errors.Join(errs...)
}

func (w *written) checkUser() error {
	if !w.hasUser {
		return nil
	}
	u, err := url.Parse("redis://" + w.user + "@h")
	if err != nil || u.User == nil {
		return errUser
	}
	if password, _ := u.User.Password(); u.User.Username() != "" && password == "" {
		return errNoPass
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
			return errPort
		}
	}
	inner, opened := strings.CutPrefix(host, "[")
	if inner, closed := strings.CutSuffix(inner, "]"); opened && closed && inner != "" {
		return checkIPv6(inner, percent)
	}
	switch u, err := url.Parse("redis://" + host); {
	case host == "" || host == "[]":
		return errNoHost
	case err != nil || u.Hostname() == "" || u.Port() != "" || u.Host != host || strings.ContainsFunc(u.Hostname(), isNotOfHosts):
		return errHost
	}
	return nil
}

// checkIPv6 looks at what stands in brackets.
func checkIPv6(s, percent string) error {
	address, zone, zoned := strings.Cut(s, percent)
	if strings.Contains(address, "%") { // before the zone, too
		return errZone
	}
	if zoned {
		address += "%" + zone
	}
	ip, err := netip.ParseAddr(address)
	if err != nil || !ip.Is6() || strings.ContainsFunc(zone, isNotOfHosts) {
		return errHost
	}
	return nil
}

// isNotOfHosts finds lists of hosts, which would be looked up as one name, and what is
// rather of a password: a host that is not found is printed.
func isNotOfHosts(r rune) bool {
	return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("-._:", r)
}

// decodeQuery fills params. url.Values would do without what it cannot decode.
func (w *written) decodeQuery() error {
	switch {
	case strings.Contains(w.query, ";"):
		return errSemi
	case strings.Contains(w.query, "+"):
		return errPlus
	}
	var err error
	if w.params, err = url.ParseQuery(w.query); err != nil {
		return errQuery
	}
	return nil
}

// kindOf says which Redis is meant.
func (w *written) kindOf() (kind, error) {
	for name := range w.params {
		if strings.HasPrefix(name, "route_") || name == "read_only" || name == "replica_only" {
			return 0, errRoute // stale tokens; and with Sentinel some make go-redis panic
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
		return 0, errMode
	case sentinel:
		return kindSentinel, nil
	case asked:
		return kindCluster, nil
	case more && cluster != "":
		return 0, errNoMode
	case more:
		return kindCluster, nil
	}
	return kindSingle, nil
}

// checkPath wants a database's number, or a socket.
func (w *written) checkPath(kind kind) error {
	if w.scheme == "unix" {
		u, err := url.Parse("unix://" + w.path)
		if err != nil || !strings.HasPrefix(w.path, "/") || strings.Trim(u.Path, "/") == "" {
			return errNoPath
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
		return errPath
	case kind == kindCluster && n != 0:
		return errOneDB
	case w.params.Has("db"):
		return errTwoDB
	}
	return nil
}

// checkParameters looks at each by itself.
func (w *written) checkParameters(kind kind) error {
	var errs []error
	unknown := false
	for _, name := range slices.Sorted(maps.Keys(w.params)) {
		p, ok := parameters[name]
		if !ok {
			unknown = true // its name may be part of a password
			continue
		}
		if complaint := p.complaint(name, w.params[name], kind, w.scheme); complaint != "" {
			errs = append(errs, fmt.Errorf("has a parameter %s=, which %s", name, complaint))
		}
	}
	if unknown {
		errs = append(errs, errUnknown)
	}
	return errors.Join(errs...)
}

// checkPairs looks at parameters that mean something only together, or not together.
func (w *written) checkPairs() error {
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
func (w *written) target(kind kind) (*Target, error) {
	w.params.Del("cluster") // ours, not go-redis'
	user := ""
	if w.hasUser {
		user = w.user + "@"
	}
	whole := w.scheme + "://" + user + w.host + w.path + "?" + w.params.Encode()
	var t Target
	var err error
	switch kind {
	case kindSentinel:
		t.Sentinel, err = redis.ParseFailoverURL(whole)
	case kindCluster:
		t.Cluster, err = redis.ParseClusterURL(whole)
	default:
		t.Single, err = redis.ParseURL(whole)
	}
	if err != nil {
		return nil, errOption
	}
	return &t, nil
}
