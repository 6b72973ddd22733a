package chaos

import (
	"math/rand/v2"
	"slices"
	"time"
)

// kind of a fault.
type kind string

const (
	killHolder      kind = "holder killed in mid-call"
	stopHolder      kind = "holder stopped past its lease"
	stopHolderLong  kind = "holder stopped past its window"
	killBystanders  kind = "bystanders killed"
	stopBystander   kind = "bystander stopped"
	restartRedis    kind = "redis killed, back empty"
	blackHole       kind = "redis black-holed for some"
	blackHoleForAll kind = "redis black-holed for all"
	slowRedis       kind = "redis slow"
	halfOpen        kind = "subscriptions half-open"
	killClients     kind = "clients killed by redis"
	slowIssuer      kind = "issuer slower than the lease"
	failingIssuer   kind = "issuer fails"
)

var kinds = []kind{
	killHolder, stopHolder, stopHolderLong, killBystanders, stopBystander, restartRedis, blackHole,
	blackHoleForAll, slowRedis, halfOpen, killClients, slowIssuer, failingIssuer,
}

// action is what the seed says of a fault. What of it counts depends on the kind.
type action struct {
	Kind    kind
	Places  []int         // whom it hits, unless that is who asks just then
	MidCall bool          // begins when the issuer is asked
	Delay   time.Duration // since the issuer was asked
	Hold    time.Duration // how long it lasts
	Rest    time.Duration // until what was killed is started again
	Latency time.Duration // of replies
	Times   int
	Failure string
}

// fault is an action that has taken place. It is over at To: what follows is recovery.
type fault struct {
	period
	Kind    kind
	Hit     int           // processes that were killed or stopped
	Places  []int         // of the replicas that were cut off
	Cold    bool          // somebody had not had a token yet
	Outage  bool          // Redis was not there for them, or too slow
	Latency time.Duration // of the issuer
	Failing int           // its answers that were spoiled
}

// costs is how many calls more than one per rotation it may have caused: one for each
// process that was killed or stopped, as it may have had the lock, and one where Redis
// lost the lock or the token, or could not be told of them.
func (f fault) costs() int {
	if f.Outage {
		return 1
	}
	return f.Hit
}

// cuts reports whether it came between a replica and Redis.
func (f fault) cuts(place int) bool {
	return f.Outage && slices.Contains(f.Places, place)
}

// plan draws actions without end. In each round every kind comes once, in an order of
// its own.
type plan struct {
	rng   *rand.Rand
	fleet int
	round []kind
}

func newPlan(seed uint64, fleet int) *plan {
	return &plan{rng: rand.New(rand.NewPCG(seed, 0)), fleet: fleet}
}

func (p *plan) next() action {
	if len(p.round) == 0 {
		p.round = append(p.round, kinds...)
		p.rng.Shuffle(len(p.round), func(i, j int) { p.round[i], p.round[j] = p.round[j], p.round[i] })
	}
	k := p.round[0]
	p.round = p.round[1:]
	return p.draw(k)
}

// draw says how a fault goes. The bounds are such that each kind does what its name
// says, and leaves a minute to the others.
func (p *plan) draw(k kind) action {
	a := action{
		Kind:    k,
		MidCall: p.rng.IntN(2) == 0,
		Delay:   p.between(0, latency*8/10),
		Rest:    p.between(50*time.Millisecond, 500*time.Millisecond),
		Times:   1 + p.rng.IntN(3),
	}
	switch k {
	case killHolder:
		a.MidCall = true
	case stopHolder:
		a.MidCall, a.Hold = true, lease+p.between(300*time.Millisecond, time.Second)
	case stopHolderLong: // until the next token is there as well, and the holder's own copy dead
		a.MidCall, a.Hold = true, span+p.between(0, 700*time.Millisecond)
	case killBystanders:
		a.Places = p.some(3)
	case stopBystander:
		a.Places, a.Hold = p.some(1), p.between(lease, life)
	case restartRedis:
		a.Places, a.Hold = p.some(p.fleet), p.between(50*time.Millisecond, 1500*time.Millisecond)
	case blackHole:
		a.Places, a.Hold = p.some(p.fleet/3), p.between(500*time.Millisecond, 2500*time.Millisecond)
	case blackHoleForAll: // in mid-call, lest the copies outlast it
		a.MidCall, a.Places, a.Hold = true, p.some(p.fleet), p.between(span, span+500*time.Millisecond)
	case slowRedis:
		a.Places, a.Hold, a.Latency = p.some(p.fleet), p.between(time.Second, 2500*time.Millisecond), p.between(20*time.Millisecond, 2*redisTimeout)
	case halfOpen: // until the token is there, of which nobody hears
		a.Places, a.Latency = p.some(p.fleet), 3*lease/2
		a.Hold = a.Latency + p.between(300*time.Millisecond, time.Second)
	case slowIssuer: // but its token is not due at once, as its life counts from the question
		a.Latency = p.between(lease, 1600*time.Millisecond)
	case failingIssuer:
		a.Failure = failures[p.rng.IntN(len(failures))]
	}
	return a
}

// Ways for the issuer to fail, of which none holds the fleet back for longer than its
// tokens live.
const (
	refuses     = "internal error"
	resets      = "reset"
	losesReply  = "lost reply"
	breaksReply = "broken body"
)

var failures = []string{refuses, resets, losesReply, breaksReply}

func (p *plan) between(least, most time.Duration) time.Duration {
	return least + time.Duration(p.rng.Int64N(int64(most-least)))
}

// some draws n places.
func (p *plan) some(n int) []int { return p.rng.Perm(p.fleet)[:n] }
