package redisurl

import (
	"strconv"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/internal/plain"
)

// kind is one kind of Redis, or several.
type kind int

const (
	kindSingle kind = 1 << iota
	kindCluster
	kindSentinel

	kindSome = kindCluster | kindSentinel
	kindAny  = kindSingle | kindSome
)

func (k kind) String() string {
	names := []string{}
	for _, one := range []struct {
		kind kind
		name string
	}{{kindSingle, "one server"}, {kindCluster, "Cluster"}, {kindSentinel, "Sentinel"}} {
		if k&one.kind != 0 {
			names = append(names, one.name)
		}
	}
	return strings.Join(names, " or ")
}

// parameter of the query: for which kinds it is, and what its value has to be.
type parameter struct {
	kinds kind
	value func(string) string // what it has to be; "" if it is
}

// complaint says what is wrong with the values of one parameter, without them; "" is nothing.
func (p parameter) complaint(name string, values []string, kind kind, scheme string) string {
	switch {
	case p.kinds&kind == 0:
		return "is for " + p.kinds.String() + " alone: leave it out"
	case name == "skip_verify" && scheme != "rediss":
		return "is for rediss:// alone: leave it out"
	case name != "addr" && len(values) > 1:
		return "is there more than once: keep one"
	}
	for _, value := range values {
		if value == "" {
			return "is empty: give a value, or leave it out"
		}
		if wanted := p.value(value); wanted != "" {
			return wanted
		}
	}
	return ""
}

// parameters are those that go-redis knows, without those that route reads to replicas, and
// without what this command sets by itself.
var parameters = map[string]parameter{
	"cluster":                    {kindAny, isAnything}, // ours: see kind
	"addr":                       {kindSome, isAddress},
	"master_name":                {kindSentinel, isAnything},
	"username":                   {kindSentinel, isAnything},
	"password":                   {kindSentinel, isAnything},
	"db":                         {kindSingle | kindSentinel, isNumber(0, 1<<31-1)},
	"skip_verify":                {kindSingle | kindSentinel, isBool},
	"client_name":                {kindAny, isWord},
	"protocol":                   {kindAny, isNumber(2, 3)},
	"max_retries":                {kindAny, isNumber(-1, mostTries)},
	"max_redirects":              {kindCluster, isNumber(-1, mostTries)},
	"min_retry_backoff":          {kindAny, isDurationOrOff},
	"max_retry_backoff":          {kindAny, isDurationOrOff},
	"dial_timeout":               {kindAny, isDuration},
	"dialer_retries":             {kindSome, isNumber(1, mostTries)},
	"dialer_retry_timeout":       {kindSome, isDuration},
	"read_timeout":               {kindAny, isDurationOrOff},
	"write_timeout":              {kindAny, isDurationOrOff},
	"pool_fifo":                  {kindAny, isBool},
	"pool_size":                  {kindAny, isNumber(1, mostConns)},
	"pool_timeout":               {kindAny, isDuration},
	"min_idle_conns":             {kindAny, isNumber(0, mostConns)},
	"max_idle_conns":             {kindAny, isNumber(0, mostConns)},
	"max_active_conns":           {kindAny, isNumber(0, mostConns)},
	"max_concurrent_dials":       {kindAny, isNumber(0, mostConns)},
	"pipeline_pool_size":         {kindAny, isNumber(-1, mostConns)},
	"pipeline_read_buffer_size":  {kindAny, isNumber(0, mostBuffer)},
	"pipeline_write_buffer_size": {kindAny, isNumber(0, mostBuffer)},
	"conn_max_idle_time":         {kindAny, isDurationOrOff},
	"idle_timeout":               {kindSingle, isDurationOrOff},
	"conn_max_lifetime":          {kindAny, isDurationOrOff},
	"max_conn_age":               {kindSingle, isDurationOrOff},
	"conn_max_lifetime_jitter":   {kindAny, isDuration},
	"failing_timeout_seconds":    {kindCluster, isNumber(1, 24*60*60)},
	"disableIdentity":            {kindSentinel, isBool},
	"identitySuffix":             {kindSentinel, isWord},
	"unstable_resp3":             {kindSentinel, isBool},
}

// Bounds that keep a slip of the finger from being taken for a wish.
const (
	mostTries    = 100
	mostConns    = 100_000
	mostBuffer   = 64 << 20
	mostDuration = 366 * 24 * time.Hour
)

const (
	wantsBool     = "has to be true or false"
	wantsAddress  = "has to be host:port, with a port from 1 to 65535"
	wantsDuration = "has to be more than 0, such as 500ms or 2s, and a year at most"
)

func isAnything(string) string { return "" }

func isWord(s string) string {
	if plain.Fault(s) != "" {
		return "has to be printable ASCII without spaces"
	}
	return ""
}

// isBool takes what go-redis does.
func isBool(s string) string {
	switch s {
	case "true", "1", "false", "0":
		return ""
	}
	return wantsBool
}

func isAddress(s string) string {
	if plain.Fault(s) != "" || strings.LastIndex(s, ":") <= strings.LastIndex(s, "]") || checkHostPort(s, "%") != nil {
		return wantsAddress
	}
	return ""
}

func isNumber(least, most int) func(string) string {
	return func(s string) string {
		if n, err := strconv.Atoi(s); err != nil || n < least || n > most {
			return "has to be a whole number from " + strconv.Itoa(least) + " to " + strconv.Itoa(most)
		}
		return ""
	}
}

// isDuration takes whole seconds as well, as go-redis does, where many of them overflow.
func isDuration(s string) string {
	d, err := time.ParseDuration(s)
	if n, e := strconv.ParseInt(s, 10, 32); e == nil {
		d, err = time.Duration(n)*time.Second, nil
	}
	if err != nil || d <= 0 || d > mostDuration {
		return wantsDuration
	}
	return ""
}

// isDurationOrOff takes go-redis' spellings of "without", but not what is below 0 by mistake.
func isDurationOrOff(s string) string {
	if s == "0" || s == "-1" {
		return ""
	}
	if isDuration(s) != "" {
		return wantsDuration + "; 0 is without"
	}
	return ""
}
