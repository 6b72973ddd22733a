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
	// at the ACL first. "K" and "C" stand for that key and a channel of ours. nil:
	// it cannot be sent like that.
	Probe []any
}

// Commands are those of every replica. Since scripts are checked command by
// command, most are what the scripts call. HELLO and AUTH are not among them, as
// nobody can be forbidden these.
var Commands = []Command{
	{"del", []any{"K"}},
	{"eval", []any{"return 1", 1, "K"}},
	{"evalsha", []any{"0000000000000000000000000000000000000000", 1, "K"}},
	{"get", []any{"K"}},
	{"getrange", []any{"K", 0, 0}},
	{"hdel", []any{"K", "f"}},
	{"hget", []any{"K", "f"}},
	{"hkeys", []any{"K"}},
	{"hmget", []any{"K", "f"}},
	{"hset", []any{"K", "f", "v", "odd"}},
	{"mget", []any{"K"}},
	{"mset", []any{"K", "v", "K"}}, // odd
	{"msetnx", []any{"K", "v", "K"}},
	{"pexpire", []any{"K", 1}},
	{"pttl", []any{"K"}},
	{"publish", []any{"C", ""}}, // a kind of event nobody knows
	{"select", nil},             // the client sends it
	{"set", []any{"K", "v", "PX", 0}},
	{"subscribe", nil}, // takes a connection of its own
	{"time", []any{}},
	{"type", []any{"K"}},
	{"unsubscribe", nil},
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

// pattern takes a prefix literally. Braces mean nothing in a pattern of Redis.
func pattern(prefix string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`).Replace(prefix) + ":{*}:*"
}
