package sim

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// What Redis refuses, or does to all replicas at once.
var refusalFaults = []kind{
	refusal("OOM", "OOM command not allowed when used memory > 'maxmemory'.", "look", "obtain", "publish", "fail", "invalidate"),
	refusal("READONLY", "READONLY You can't write against a read only replica.", "look", "obtain", "publish", "fail", "invalidate", "extend", "release"),
	refusal("LOADING", "LOADING Redis is loading the dataset in memory"),
	{
		name: "down", family: refusals, everyReplica: true, everyApp: true, onCall: 0.3, shortest: 100 * time.Millisecond, longest: 20 * time.Minute,
		trouble: trouble{redis: true, tail: 20 * time.Second, repeats: 1},
		begin: func(w *world, _ *fault, _ *replica, _ *rand.Rand) effect {
			return lasts(w.impose(&condition{
				replica: everybody, on: (*redistest.Link).Down, off: func(l *redistest.Link) { l.Refuse(false) },
			}))
		},
	}, {
		name: "silent", family: refusals, everyReplica: true, everyApp: true, onCall: 0.3, shortest: 100 * time.Millisecond, longest: 5 * time.Minute,
		trouble: trouble{redis: true, tail: 20 * time.Second, repeats: 1},
		begin: func(w *world, _ *fault, _ *replica, _ *rand.Rand) effect {
			return lasts(w.impose(&condition{
				replica: everybody, on: func(l *redistest.Link) { l.Silence(true) }, off: func(l *redistest.Link) { l.Silence(false) },
			}))
		},
	}, {
		name: "restarted", family: refusals, everyReplica: true, everyApp: true, onCall: 0.5, shortest: 1, longest: 1,
		trouble: trouble{redis: true, tail: 10 * time.Second, repeats: 1},
		begin: atOnce(func(w *world, _ *app, _ *rand.Rand) bool {
			_ = w.admin.ScriptFlush(context.Background()).Err()
			w.cutAll()
			return true
		}),
	},
}

func refusal(name, text string, commands ...string) kind {
	return kind{
		name: name, family: refusals, everyReplica: true, everyApp: true, onCall: 0.3, shortest: 100 * time.Millisecond, longest: 10 * time.Minute,
		trouble: trouble{redis: true, tail: 40 * time.Second, repeats: 1},
		begin: func(w *world, _ *fault, _ *replica, _ *rand.Rand) effect {
			return lasts(w.redis.FailCommands(text, among(commands)))
		},
	}
}

// among matches our scripts by name; without a name, everything but what sets a
// connection up.
func among(commands []string) redistest.Match {
	if len(commands) == 0 {
		return nil
	}
	return func(name string, args []string) bool {
		what, _, _ := strings.Cut(commandOf(name, args), " ")
		return slices.Contains(commands, what)
	}
}
