package chaos

import (
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// history is all that is known of a run. Times count from its beginning.
type history struct {
	Processes []*process
	Faults    []fault
	Stored    []stored
	Removals  []removal
	Pairs     map[string]pair // by the token's name
	Calls     []call
	Stalls    []stall // of the test itself
	Troubles  []string
	Ended     time.Duration // when all processes had
	LockLeft  bool          // by them
	Over      time.Duration
}

// process is one life of a replica. A replica that was killed has several.
type process struct {
	Number, Place int
	Born          time.Duration // its first record
	Killed        time.Duration // 0: never
	Stops         []period      // by SIGSTOP
	Gets          []get
	Stalls        []stall
	Direct        []time.Duration // when calls around Redis brought a token
	Calls         []time.Duration // and when those with the lock did
	Takeovers     []time.Duration
	Ended         bool   // it was told to end, and said that it does
	Trouble       string // it ended by itself: how
}

// get is a Get as its caller saw it, or several in a row that were alike: fast, with
// a copy, of one token. Then all but First and Count are the last one's.
type get struct {
	First  time.Duration `json:"f,omitempty"` // begin of the first, if there are several
	Start  time.Duration `json:"s"`           // begin of the last
	End    time.Duration `json:"e"`
	Count  int           `json:"n"`
	Usable time.Duration `json:"u,omitempty"` // until when the copy at hand could be handed out; 0: there was none
	Token  string        `json:"t,omitempty"` // "" if it failed
	Ends   time.Duration `json:"x,omitempty"` // when its life does, by what the process knows
	Worst  time.Duration `json:"w"`           // the longest
	Err    string        `json:"err,omitempty"`
}

// stall is a beat of the heartbeat that came late.
type stall struct {
	period
	Late time.Duration `json:"l"`
}

// period of a run.
type period struct {
	From time.Duration `json:"a"`
	To   time.Duration `json:"b"`
}

// stored is what Redis held for a while. Not Known: it did not answer.
type stored struct {
	period
	Known bool
	Token string // "" if none
}

// pair is what the issuer knows of a token.
type pair struct{ Minted, End time.Duration }

// call of the issuer, by its own record.
type call struct {
	At      time.Duration // of the answer
	Left    time.Duration // of the life of the token then current, when it was asked for
	Granted bool          // a token was the answer
	Minted  bool          // maybe without one
}

// nameOf shortens a fingerprint to what tells the tokens of a run apart.
func nameOf(tok tokencache.Token) string {
	if tok.IsZero() {
		return ""
	}
	return tok.Fingerprint()[:12]
}

// meets reports whether two periods have a moment in common.
func (p period) meets(other period) bool { return p.From <= other.To && other.From <= p.To }

// holds reports whether at is in the period; the end is the next one's.
func (p period) holds(at time.Duration) bool { return p.From <= at && at < p.To }

// overlap is how much they have in common.
func (p period) overlap(other period) time.Duration {
	return max(0, min(p.To, other.To)-max(p.From, other.From))
}

// period of the last of the Gets.
func (g get) period() period { return period{g.Start, g.End} }

func (g get) took() time.Duration { return g.End - g.Start }

// around is how much further than a Get we look for what slowed it down: a beat.
const around = 2 * beat

// stalled is for how long the process stood still around a Get.
func (p *process) stalled(g get) time.Duration {
	return p.slept(period{g.Start - around, g.End + around})
}

// slept is for how long the process stood still in a period, by its heartbeat.
func (p *process) slept(at period) (sum time.Duration) {
	for _, s := range p.Stalls {
		sum += min(s.Late, s.overlap(at))
	}
	return sum
}

// tightness is what a copy must have left for us to be sure that the Get saw it usable:
// the look at the copy was not the Get's own.
const tightness = 20 * time.Millisecond

// sure reports whether there was a usable copy when the Get looked at it.
func (p *process) sure(g get) bool {
	return g.Usable > 0 && g.Usable-g.Start > p.stalled(g)+tightness
}

// stopped reports whether the process was stopped by us meanwhile.
func (p *process) stopped(at period) bool {
	at = period{at.From - around, at.To + around}
	for _, stop := range p.Stops {
		if stop.meets(at) {
			return true
		}
	}
	return false
}

// lived reports whether the process was alive at a moment.
func (p *process) lived(at time.Duration) bool { return p.Killed == 0 || p.Killed > at }
