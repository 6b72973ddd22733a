package tokencache

import (
	"maps"
	"slices"
	"strings"
)

// Trouble names what is wrong with Redis, in a [RedisError] and an [Event]: a word of ours, or
// the code of its answer. No other than these is ever told: see [Troubles].
type Trouble string

// What Redis does not answer, or is not asked for.
const (
	TroubleTimeout     Trouble = "timeout"     // no answer in time
	TroubleUnreachable Trouble = "unreachable" // no connection
	TroubleTLS         Trouble = "tls"         // one side does not accept the other
	TroubleSentinel    Trouble = "sentinel"    // the sentinels do not tell the primary
	TroubleProtocol    Trouble = "protocol"    // what answers is no Redis
	TroublePaused      Trouble = "paused"      // it did not answer, and is not asked again yet
	TroublePool        Trouble = "pool"        // all connections of the client are in use
)

// What Redis answers.
const (
	TroubleWrongType   Trouble = "WRONGTYPE"
	TroubleOOM         Trouble = "OOM"
	TroubleReadOnly    Trouble = "READONLY"
	TroubleLoading     Trouble = "LOADING"
	TroubleMisconf     Trouble = "MISCONF"
	TroubleNoAuth      Trouble = "NOAUTH"
	TroubleWrongPass   Trouble = "WRONGPASS"
	TroubleNoPerm      Trouble = "NOPERM"
	TroubleTryAgain    Trouble = "TRYAGAIN"
	TroubleNoReplicas  Trouble = "NOREPLICAS"
	TroubleMasterDown  Trouble = "MASTERDOWN"
	TroubleClusterDown Trouble = "CLUSTERDOWN"
	TroubleCrossSlot   Trouble = "CROSSSLOT"
	TroubleBusy        Trouble = "BUSY"
	TroubleDenied      Trouble = "DENIED"     // it is in protected mode
	TroubleMaxClients  Trouble = "MAXCLIENTS" // these three come without a code
	TroubleNoDB        Trouble = "NODB"       // no database of that number
	TroubleNoCluster   Trouble = "NOCLUSTER"
	TroubleOther       Trouble = "other" // anything else
)

// silences are those that go with no answer of Redis.
var silences = []Trouble{TroubleTimeout, TroubleUnreachable, TroubleTLS, TroubleSentinel, TroubleProtocol, TroublePaused}

// troubleAdvice is what a person can do, of all that there are.
var troubleAdvice = map[Trouble]string{
	TroubleUnreachable: "check the address and that redis runs",
	TroubleTLS:         "check the certificates of both sides, and whom they trust",
	TroubleTimeout:     "check the load of redis and the network in between",
	TroublePool:        "raise PoolSize of the redis client",
	TroubleSentinel:    "check the addresses of the sentinels and the name of the master",
	TroubleProtocol:    "the other side does not speak Redis: check the address and port",
	TroublePaused:      "",
	TroubleWrongType:   "the key is not ours: delete it, or choose another prefix",
	TroubleOOM:         "raise maxmemory; keep the eviction policy at noeviction",
	TroubleReadOnly:    "connect to the primary",
	TroubleLoading:     "wait until redis has loaded its data",
	TroubleMisconf:     "redis cannot save to disk: see its log",
	TroubleNoAuth:      "set the password",
	TroubleWrongPass:   "check user name and password",
	TroubleNoPerm:      "allow the commands, keys and channel in the ACL",
	TroubleBusy:        "a script of somebody blocks redis",
	TroubleDenied:      "set a password in redis, and here: without one it serves its own host alone",
	TroubleMaxClients:  "raise maxclients",
	TroubleNoDB:        "choose a database that exists, such as 0",
	TroubleNoCluster:   "it is no Redis Cluster: leave out cluster=true, and further addr=",
	TroubleTryAgain:    "",
	TroubleNoReplicas:  "",
	TroubleMasterDown:  "",
	TroubleClusterDown: "",
	TroubleCrossSlot:   "",
	TroubleOther:       "",
}

// Troubles returns all that there are, in the order of the alphabet and in a slice of the
// caller's.
func Troubles() []Trouble { return slices.Sorted(maps.Keys(troubleAdvice)) }

// Silent reports whether Redis did not answer, or was not asked for that reason: as opposed to
// an answer of its, and to a client without a connection to spare.
func (t Trouble) Silent() bool { return slices.Contains(silences, t) }

// Advice returns what a person can do about it. Empty if that depends.
func (t Trouble) Advice() string { return troubleAdvice[t] }

// troubleCodes are the answers that begin with a code of their own. The order settles which
// counts when several occur.
var troubleCodes = []Trouble{
	TroubleWrongType, TroubleOOM, TroubleReadOnly, TroubleLoading, TroubleMisconf, TroubleNoAuth, TroubleWrongPass, TroubleNoPerm,
	TroubleTryAgain, TroubleNoReplicas, TroubleMasterDown, TroubleClusterDown, TroubleCrossSlot, TroubleBusy,
}

// troubleWords are for what comes without a code: above all what an ACL forbids to a script,
// before and since Redis 7.2.
var troubleWords = map[string]Trouble{
	"running in protected mode":             TroubleDenied, // a proxy's DENIED is the proxy's
	"max number of clients":                 TroubleMaxClients,
	"ACL failure in script":                 TroubleNoPerm,
	"can't run this command":                TroubleNoPerm,
	"can't access at least one of the keys": TroubleNoPerm,
	"DB index is out of range":              TroubleNoDB,
	"cluster support disabled":              TroubleNoCluster,
}

// clientWords are of go-redis, about what it cannot make sense of: it has
// no types for these.
var clientWords = []struct {
	words   string
	trouble Trouble
}{
	{"redis: all sentinels", TroubleSentinel},
	{"redis: can't parse", TroubleProtocol},
	{"redis: can't read raw", TroubleProtocol},
	{"redis: invalid reply", TroubleProtocol},
}

// troubleIn finds what an answer of Redis is about. Scripts and proxies wrap the words, so
// they are looked for anywhere in the text.
func troubleIn(text string) Trouble {
	for _, code := range troubleCodes {
		if strings.Contains(text, string(code)+" ") {
			return code
		}
	}
	for words, trouble := range troubleWords {
		if strings.Contains(text, words) {
			return trouble
		}
	}
	return TroubleOther
}
