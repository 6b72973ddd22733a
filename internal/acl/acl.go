// Package acl knows what the fleet needs of a Redis user, in one place:
// docs/acl.md shows it to people, `onetoken doctor` asks for it command by
// command, and the tests run everything under it.
package acl

import (
	"slices"
	"strings"
)

// Command is one that a user needs, as Redis names it.
type Command struct {
	Name string // "hset"; of a subcommand: "cluster|slots"
	// Probe are arguments with which it changes nothing: it reads, is refused
	// because of them, or deletes or ends a key that is never written. Redis looks
	// at the ACL first. "K" and "C" stand for that key and a channel of ours, "DB"
	// for the number of the database in use. nil: it cannot be sent like that.
	Probe []any
	// Refusal is how the answer begins if it is the arguments of the probe that are
	// refused, which shows that the command is there. "": the probe succeeds.
	Refusal string
}

// The answers to probes that Redis does not carry out.
const (
	noScript = "NOSCRIPT"
	arity    = "ERR wrong number of arguments"
	noExpiry = "ERR invalid expire"
)

// Commands are those of every replica. Since scripts are checked command by
// command, most are what the scripts call. HELLO and AUTH are not among them, as
// nobody can be forbidden these.
var Commands = []Command{
	{Name: "del", Probe: []any{"K"}},
	{Name: "eval", Probe: []any{"return 1", 1, "K"}},
	{Name: "evalsha", Probe: []any{"0000000000000000000000000000000000000000", 1, "K"}, Refusal: noScript},
	{Name: "get", Probe: []any{"K"}},
	{Name: "getrange", Probe: []any{"K", 0, 0}},
	{Name: "hdel", Probe: []any{"K", "f"}},
	{Name: "hget", Probe: []any{"K", "f"}},
	{Name: "hkeys", Probe: []any{"K"}},
	{Name: "hmget", Probe: []any{"K", "f"}},
	{Name: "hset", Probe: []any{"K", "f", "v", "odd"}, Refusal: arity},
	{Name: "mget", Probe: []any{"K"}},
	{Name: "mset", Probe: []any{"K", "v", "K"}, Refusal: arity}, // odd
	{Name: "msetnx", Probe: []any{"K", "v", "K"}, Refusal: arity},
	{Name: "pexpire", Probe: []any{"K", 1}},
	{Name: "pttl", Probe: []any{"K"}},
	{Name: "publish", Probe: []any{"C", ""}}, // a kind of event nobody knows
	{Name: "select", Probe: []any{"DB"}},     // the client sends it
	{Name: "set", Probe: []any{"K", "v", "PX", 0}, Refusal: noExpiry},
	{Name: "subscribe"}, // takes a connection of its own
	{Name: "time", Probe: []any{}},
	{Name: "type", Probe: []any{"K"}},
	{Name: "unsubscribe"},
}

// Survey is what looking at all credentials takes on top: `onetoken status` and
// Cache.Survey.
var Survey = Command{Name: "scan", Probe: []any{0, "MATCH", "K", "COUNT", 1}}

// Cluster is what a client of a Redis Cluster needs on top.
var Cluster = []Command{
	{Name: "asking"}, // while a slot moves
	{Name: "cluster|slots"},
	{Name: "command"},
}

// Sentinel is what a client needs at the sentinels, where it asks for the primary and hears of
// another one.
var Sentinel = []Command{
	{Name: "ping"},
	{Name: "sentinel|get-master-addr-by-name"},
	{Name: "sentinel|sentinels"},
	{Name: "subscribe"},
}

// Words are rules that allow the commands.
func Words(commands ...string) string {
	return "+" + strings.Join(commands, " +")
}

// Names of commands, in their order.
func Names(commands []Command) []string {
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	return names
}

// Keys is the rule for the keys under a prefix.
func Keys(prefix string) string { return "~" + pattern(prefix) }

// Channels is the rule for the channels under a prefix.
func Channels(prefix string) string { return "&" + pattern(prefix) }

// Rules are all of a user but its password. Resetchannels comes first because
// Redis 6.2 gives new users all channels, and then takes no pattern.
func Rules(prefix string, survey bool) string {
	commands := Names(Commands)
	if survey {
		commands = append(commands, Survey.Name)
		slices.Sort(commands)
	}
	return "resetchannels " + Keys(prefix) + " " + Channels(prefix) + " -@all " + Words(commands...)
}

// SentinelRules are all of a user at the sentinels but its password. There are no keys.
func SentinelRules() string {
	return "resetchannels &+switch-master &+replica-reconf-done -@all " + Words(Names(Sentinel)...)
}

// pattern takes a prefix literally. Braces mean nothing in a pattern of Redis.
func pattern(prefix string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(prefix) + ":{*}:*"
}
