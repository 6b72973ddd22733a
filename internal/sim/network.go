package sim

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/internal/redistest"
)

// condition is a fault of the network that lasts. Those of one replica go on for the
// next one with its index; later replicas find those of all.
type condition struct {
	replica int // everybody: every index
	on, off func(*redistest.Link)
	slow    time.Duration // of each message between replica and Redis
	late    time.Duration // besides, of each event to the replica
	held    time.Time     // until then the replica is stopped: nothing leaves or arrives
	newer   bool          // what is written has fields that nobody knows
	older   bool          // what is written lacks fields that are not needed
	cutOff  bool          // the replica does not reach the issuer
	idle    chan struct{} // nobody calls it, nor Run, until this is closed
}

const everybody = -1

func (c *condition) meets(r *replica) bool { return c.replica == everybody || c.replica == r.index }

// impose begins a condition; what it returns ends it.
func (w *world) impose(c *condition) (lift func()) {
	w.mu.Lock()
	w.conditions = append(w.conditions, c)
	w.mu.Unlock()
	w.each(c, c.on)
	return func() {
		w.mu.Lock()
		w.conditions = slices.DeleteFunc(w.conditions, func(other *condition) bool { return other == c })
		rest := slices.Clone(w.conditions)
		w.mu.Unlock()
		w.each(c, c.off)
		for _, other := range rest { // which c.off may have ended as well
			w.each(other, other.on)
		}
	}
}

func (w *world) each(c *condition, do func(*redistest.Link)) {
	if do == nil {
		return
	}
	for _, r := range w.alive() {
		if c.meets(r) {
			do(r.link)
		}
	}
}

// join has a new replica meet the conditions there are.
func (w *world) join(r *replica) {
	w.mu.Lock()
	conditions := slices.Clone(w.conditions)
	w.mu.Unlock()
	for _, c := range conditions {
		if c.on != nil && c.meets(r) {
			c.on(r.link)
		}
	}
}

// weather is the sum of the conditions that a replica meets.
func (w *world) weather(r *replica) (sum condition) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conditions {
		if !c.meets(r) {
			continue
		}
		sum.slow += c.slow
		sum.late += c.late
		sum.cutOff = sum.cutOff || c.cutOff
		sum.newer, sum.older = sum.newer || c.newer, sum.older || c.older
		if c.idle != nil {
			sum.idle = c.idle
		}
		if c.held.After(sum.held) {
			sum.held = c.held
		}
	}
	return sum
}

// shape gives every message of a replica its time.
func (r *replica) shape() redistest.Shape {
	rewrite := (func([]byte, bool) []byte)(nil)
	if r.build != 0 {
		rewrite = (&translator{sums: map[string]string{}}).rewrite
	}
	return redistest.Shape{
		Rewrite: rewrite,
		Request: func(name string, args []string, behind time.Duration) time.Duration {
			command := commandOf(name, args)
			r.w.note(r, command, args)
			return r.travel(r.requestLane(name), "request "+command, behind)
		},
		Reply: func(words []string, behind time.Duration) time.Duration {
			r.w.check.stored()
			what, lane := "reply", r.replies
			if isMessage(words) {
				what, lane = "message "+words[1], r.messages
			}
			return r.travel(lane, what, behind)
		},
		Arriving: func(words []string) {
			if isMessage(words) {
				r.hears(words[1], words[2])
			}
		},
		Arrived: func(words []string) {
			if isMessage(words) {
				r.heard(words[1], words[2])
			}
		},
	}
}

func isMessage(reply []string) bool { return len(reply) == 3 && reply[0] == "message" }

// requestLane keeps apart what different goroutines of a replica may send at one instant: which
// of them is first would decide how long each travels.
func (r *replica) requestLane(name string) *lane {
	switch name {
	case "SUBSCRIBE", "UNSUBSCRIBE":
		return r.subscriptions
	case "TIME", "PING":
		return r.probes
	default:
		return r.requests
	}
}

// travel is how long a message takes: at least a third of what it may, and longer than
// the one before it.
func (r *replica) travel(l *lane, what string, behind time.Duration) time.Duration {
	now := time.Now()
	weather := r.w.weather(r)
	u := r.w.draws.unit(what, int64(r.index), int64(r.life), now.UnixNano())
	trip := r.w.s.tripOf(r.index)
	d := trip/3 + time.Duration(u*float64(trip*2/3)) + weather.slow
	if strings.HasPrefix(what, "message ") {
		d += weather.late
	}
	if held := weather.held.Sub(now); held > 0 {
		d += held
	}
	return l.after(max(d, behind))
}

// commandOf names what a command does: a script by what its arguments are.
func commandOf(name string, args []string) string {
	if (name != "EVALSHA" && name != "EVAL") || len(args) < 2 {
		return name
	}
	what := scripts[args[1]+" "+strconv.Itoa(len(args))]
	if what == "" && len(args) > 5 {
		what = scripts[args[1]+" "+strconv.Itoa(len(args))+args[5][strings.LastIndexByte(args[5], ':')+1:]]
	}
	if what == "" {
		what = unknownScript
	}
	if name == "EVAL" {
		what += " by text"
	}
	return what + " " + appOf(args)
}

// scripts by their number of keys and of all arguments, and what the fourth key is if these do
// not tell.
var scripts = map[string]string{
	"3 5": "read", "3 6": "read", "3 8": "look", "2 19": "fail", "4 19lock": "publish", "4 19refused": "invalidate", // ours
	"1 6": "obtain", "1 5": "extend", "1 4": "release", // redislock's
}

const unknownScript = "script"

// appOf tells the app by the keys.
func appOf(args []string) string {
	for _, a := range args {
		if i := strings.Index(a, ":cli_sim"); i >= 0 && len(a) > i+8 {
			return string(rune('A' + a[i+8] - '0'))
		}
	}
	return "?"
}

// note writes of commands that matter: what only looks would fill the page.
func (w *world) note(r *replica, command string, args []string) {
	switch {
	case command == "PUBLISH" && len(args) == 2:
		kind, _, _ := strings.Cut(args[1], " ")
		if a := w.appOfChannel(args[0]); a != nil {
			w.sends(r, a, args[1])
		}
		w.log.add(r.name, "sends event %s %s", kind, appOf(args))
	case strings.HasPrefix(command, unknownScript):
		w.check.violated("I8", r.name, "sends a script of %s keys and %d arguments that is not known here", args[1], len(args))
	case strings.HasPrefix(command, "invalidate"):
		for _, a := range w.apps {
			if fp, ours := strings.CutPrefix(args[3], w.key(a, "rejected:")); ours {
				r.tells(a, a.byFingerprint(fp))
			}
		}
		w.log.add(r.name, "sends %s", command)
	case command == "HELLO" || command == "CLIENT":
	case strings.HasPrefix(command, "look"):
		w.check.looks(args[6])
		w.log.add(r.name, "sends %s", command)
	case strings.HasPrefix(command, "extend"):
		r.extends.Add(1)
		w.log.add(r.name, "sends %s", command)
	case strings.HasPrefix(command, "release"):
		w.check.releases(args[len(args)-1])
		w.log.add(r.name, "sends %s", command)
	default:
		w.log.add(r.name, "sends %s", command)
	}
}
