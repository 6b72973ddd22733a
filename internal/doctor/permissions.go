package doctor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/onetoken-go/onetoken/internal/acl"
	"github.com/onetoken-go/onetoken/tokencache"
)

// refusals are what Redis did not do.
type refusals struct {
	err            error               // there was no answer
	commands       []string            // that the ACL forbids
	keys, channels bool                // that the ACL forbids
	others         map[string][]string // by what the server said: commands it refuses for another reason
	untried        []string            // commands
}

// Redis' own words, from 6.2 to 8 and in Valkey.
var (
	refusedCommand = regexp.MustCompile(`run the '([^']+)' command`)
	unknownCommand = regexp.MustCompile("unknown command ['`]?([A-Za-z|]+)")
	answerCode     = regexp.MustCompile(`^[A-Z][A-Z0-9]{1,15}\b`)
)

const unknown = "ERR unknown command"

// note takes down what a reply says about a command. Only what succeeded is
// permitted, or was refused as the probe has to be.
func (r *refusals) note(c acl.Command, err error) {
	if err == nil || errors.Is(err, redis.Nil) {
		return
	}
	reply, ok := errors.AsType[redis.Error](err)
	if !ok {
		r.err = cmp.Or(r.err, err)
		return
	}
	text := reply.Error()
	if c.Refusal != "" && strings.HasPrefix(text, c.Refusal) {
		return
	}
	if strings.HasPrefix(text, "NOPERM") && r.forbidden(text) {
		return
	}
	r.other(c.Name, text)
}

// forbidden takes down what an ACL forbids, if its words say that.
func (r *refusals) forbidden(text string) bool {
	switch m := refusedCommand.FindStringSubmatch(text); {
	case m != nil && !slices.Contains(r.commands, m[1]):
		r.commands = append(r.commands, m[1])
	case m != nil:
	case strings.Contains(text, "channel"):
		r.channels = true
	case strings.Contains(text, "key"):
		r.keys = true
	default:
		return false
	}
	return true
}

// other takes down any other refusal: by its code, as the rest may quote anything. A
// connection that could not be set up says of every command what was wrong with that.
func (r *refusals) other(name, text string) {
	said := cmp.Or(answerCode.FindString(text), "an error without a code")
	if m := unknownCommand.FindStringSubmatch(text); m != nil {
		name, said = strings.ToLower(m[1]), unknown
	}
	if r.others == nil {
		r.others = map[string][]string{}
	}
	if !slices.Contains(r.others[said], name) {
		r.others[said] = append(r.others[said], name)
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
		slices.Sort(r.commands)
		words = append(words, acl.Words(r.commands...))
	}
	return strings.Join(words, " ")
}

// states are the codes of a Redis that knows the command and takes it at another time.
var states = []tokencache.Trouble{
	tokencache.TroubleOOM, tokencache.TroubleReadOnly, tokencache.TroubleLoading, tokencache.TroubleMisconf, tokencache.TroubleNoReplicas,
	tokencache.TroubleMasterDown, tokencache.TroubleClusterDown, tokencache.TroubleTryAgain, tokencache.TroubleBusy,
}

// otherWords are the commands that Redis refuses for other reasons than the ACL: those that
// it would take in another state, or the rest.
func (r *refusals) otherWords(state bool) (found string, advice []string) {
	var all []string
	for _, said := range slices.Sorted(maps.Keys(r.others)) {
		if slices.Contains(states, tokencache.Trouble(said)) != state {
			continue
		}
		all = append(all, strings.Join(slices.Sorted(slices.Values(r.others[said])), ", ")+" ("+said+")")
		if what := adviceOn(said); !slices.Contains(advice, what) {
			advice = append(advice, what)
		}
	}
	return strings.Join(all, ", "), advice
}

func adviceOn(said string) string {
	if said == unknown {
		return "give it back its name (rename-command in redis.conf), or use a redis that has it"
	}
	known := tokencache.Trouble(said).Advice()
	if known == "" || tokencache.Trouble(said) == tokencache.TroubleDenied { // in protected mode there was no connection: it is a proxy's word
		return "ask whoever runs redis, or the proxy in front of it, why"
	}
	return known
}

func (p *patient) permissionsCheck(ctx context.Context) finding {
	got, ok := inTime(ctx, p.probe)
	if !ok {
		return late(ctx, "permissions")
	}
	return got.finding(p.Cache.Prefix)
}

func (r *refusals) finding(prefix string) finding {
	words := r.words(prefix)
	others, advice := r.otherWords(false)
	of := "the ACL lacks " + words
	switch {
	case words == "" && others == "":
		return r.allPermitted()
	case words == acl.Words(acl.Survey.Name) && others == "":
		return finding{"permissions", checkWarn, "all but " + words, "add it where onetoken status or Cache.Survey is used"}
	case words == "" && r.refusedAlone(acl.Survey.Name):
		return finding{"permissions", checkWarn, "all but " + others, "only onetoken status and Cache.Survey need it: " + strings.Join(advice, "; ")}
	case words == "":
		of = "redis refuses " + others
	case others != "":
		of += "; redis refuses " + others
	}
	if words != "" {
		advice = append([]string{"add that to the redis user's rules; all of them: docs/acl.md"}, advice...)
	}
	return finding{"permissions", checkFail, of, strings.Join(advice, "; ")}
}

// refusedAlone says whether no other command was refused, but for the state of Redis.
func (r *refusals) refusedAlone(name string) bool {
	for said, names := range r.others {
		if !slices.Contains(states, tokencache.Trouble(said)) && !slices.Equal(names, []string{name}) {
			return false
		}
	}
	return true
}

// allPermitted is the finding where nothing is forbidden. What was not carried out all
// the same is said.
func (r *refusals) allPermitted() finding {
	if r.err != nil {
		return finding{
			"permissions", checkFail, "no answer: " + r.err.Error(),
			"check the load of redis and the network in between (REDIS_URL)",
		}
	}
	if waiting, advice := r.otherWords(true); waiting != "" {
		return finding{"permissions", checkWarn, "nothing is forbidden, but redis does not take " + waiting + " now", strings.Join(advice, "; ")}
	}
	found := fmt.Sprintf("all %d commands, the keys and the channels", len(acl.Commands)+1-len(r.untried))
	if len(r.untried) > 0 {
		found += "; not tried: " + strings.Join(r.untried, ", ")
	}
	return finding{Name: "permissions", Status: checkOK, Found: found}
}

// probe sends each command in a form that changes nothing, and says which it did not send.
func (p *patient) probe(ctx context.Context) *refusals {
	base := p.Cache.Prefix + ":{doctor:probe}:"
	channel := base + "events"
	db := databaseOf(p.Redis)
	r := &refusals{}
	var sent []acl.Command
	cmds, _ := p.Redis.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		for _, c := range append(slices.Clone(acl.Commands), acl.Survey) {
			switch {
			case c.Name == "select" && db == 0:
				r.untried = append(r.untried, "select (database 0 does not need it)")
				continue
			case c.Probe == nil:
				continue
			}
			args := []any{c.Name}
			for _, arg := range c.Probe {
				switch arg {
				case "K":
					arg = base + "token"
				case "C":
					arg = channel
				case "DB":
					arg = db
				}
				args = append(args, arg)
			}
			sent = append(sent, c)
			pipe.Do(ctx, args...)
		}
		return nil
	})
	for i, cmd := range cmds {
		r.note(sent[i], cmd.Err())
	}
	p.probeSubscription(ctx, r, channel)
	return r
}

// databaseOf is the number of the database that the client selects; a cluster has but 0.
func databaseOf(rdb redis.UniversalClient) int {
	if client, ok := rdb.(*redis.Client); ok {
		return client.Options().DB
	}
	return 0
}

// probeSubscription takes a connection of its own, as replicas do.
func (p *patient) probeSubscription(ctx context.Context, r *refusals, channel string) {
	session := p.Redis.Subscribe(ctx)
	defer session.Close() //nolint:errcheck // nothing is left to lose
	for _, step := range []struct {
		name string
		send func(context.Context, ...string) error
	}{{"subscribe", session.Subscribe}, {"unsubscribe", session.Unsubscribe}} {
		err := step.send(ctx, channel)
		if err == nil {
			_, err = session.ReceiveTimeout(ctx, time.Second)
		}
		r.note(acl.Command{Name: step.name}, err)
	}
}
