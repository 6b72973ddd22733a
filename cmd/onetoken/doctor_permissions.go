package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/internal/acl"
)

// refusals are what an ACL forbids.
type refusals struct {
	err            error // there was no answer
	commands       []string
	keys, channels bool
}

// Redis' own words, from 6.2 to 8 and in Valkey.
var refusedCommand = regexp.MustCompile(`run the '([^']+)' command`)

// note takes down what a reply says about the ACL. All other errors are about
// arguments: the ACL had nothing against the command.
func (r *refusals) note(err error) {
	reply, ok := errors.AsType[redis.Error](err)
	if !ok {
		r.err = cmp.Or(r.err, err)
		return
	}
	text := reply.Error()
	if !strings.HasPrefix(text, "NOPERM") {
		return
	}
	switch m := refusedCommand.FindStringSubmatch(text); {
	case m != nil && !slices.Contains(r.commands, m[1]):
		r.commands = append(r.commands, m[1])
	case m != nil:
	case strings.Contains(text, "channel"):
		r.channels = true
	default:
		r.keys = true
	}
}

// words are what has to be added to the user's rules.
func (r *refusals) words(prefix string) string {
	var words []string
	if r.keys {
		words = append(words, acl.Keys(prefix))
	}
	if r.channels {
		words = append(words, acl.Channels(prefix))
	}
	if len(r.commands) > 0 {
		words = append(words, acl.Words(r.commands...))
	}
	return strings.Join(words, " ")
}

func (p *patient) permissionsCheck(ctx context.Context) finding {
	got, ok := inTime(ctx, p.probe)
	if !ok {
		return late(ctx, "permissions")
	}
	slices.Sort(got.commands)
	words := got.words(p.config.Prefix)
	switch {
	case words == "" && got.err != nil:
		return finding{
			"permissions", checkFail, "no answer: " + got.err.Error(),
			"check the load of redis and the network in between (REDIS_URL)",
		}
	case words == acl.Words(acl.Survey.Name):
		return finding{
			"permissions", checkWarn, "all but " + words, "add it where onetoken status or Cache.Survey is used",
		}
	case words != "":
		return finding{"permissions", checkFail, "the ACL lacks " + words, "add that to the redis user's rules; all of them: docs/acl.md"}
	}
	return finding{Name: "permissions", Status: checkOK, Found: fmt.Sprintf("all %d commands, the keys and the channels", len(acl.Commands)+1)}
}

// probe sends each command in a form that changes nothing: Redis looks at the
// ACL before it looks at arguments.
func (p *patient) probe(ctx context.Context) *refusals {
	base := p.config.Prefix + ":{doctor:probe}:"
	key, channel := base+"token", base+"events"
	r := &refusals{}
	cmds, _ := p.rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, c := range append(slices.Clone(acl.Commands), acl.Survey) {
			if c.Probe == nil {
				continue
			}
			args := []any{c.Name}
			for _, arg := range c.Probe {
				switch arg {
				case "K":
					arg = key
				case "C":
					arg = channel
				}
				args = append(args, arg)
			}
			pipe.Do(ctx, args...)
		}
		return nil
	})
	for _, cmd := range cmds {
		r.note(cmd.Err())
	}
	p.probeSubscription(ctx, r, channel)
	return r
}

// probeSubscription takes a connection of its own, as replicas do.
func (p *patient) probeSubscription(ctx context.Context, r *refusals, channel string) {
	session := p.rdb.Subscribe(ctx)
	defer session.Close() //nolint:errcheck // nothing is left to lose
	for _, step := range []func(context.Context, ...string) error{session.Subscribe, session.Unsubscribe} {
		err := step(ctx, channel)
		if err == nil {
			_, err = session.ReceiveTimeout(ctx, time.Second)
		}
		r.note(err)
	}
}
