package chaos

import (
	"fmt"
	"slices"
	"time"
)

// removal of the token from Redis, by us.
type removal struct {
	At   time.Duration // when it was done
	Gone bool          // there was one
}

// sightless: a watch that does not see what is in Redis, on which other checks rely. What
// a fleet shares without a call around Redis has been there, for seconds. One token in
// ten may be missed and one more, as Redis may lose it at once.
func (h *history) sightless() (complaints []string) {
	shared, seen := 0, 0
	for token, p := range h.Pairs {
		if h.shared(token) && !h.aroundRedis(period{p.Minted, p.End}) {
			shared++
			if h.inRedis(token) {
				seen++
			}
		}
	}
	if unseen := shared - seen; unseen > 1+shared/10 || shared > 0 && seen == 0 {
		complaints = append(complaints, fmt.Sprintf("the watch saw %d of %d tokens that the fleet shared", seen, shared))
	}
	for _, r := range h.Removals {
		if token := h.lastSeen(r.At); token != "" && !r.Gone {
			complaints = append(complaints, fmt.Sprintf("%v: there was no token to remove, where the watch saw %s", round(r.At), token))
		}
	}
	return complaints
}

// shared reports whether most replicas were handed a token.
func (h *history) shared(token string) bool {
	places := map[int]bool{}
	for _, p := range h.Processes {
		for _, g := range p.Gets {
			if g.Token == token {
				places[p.Place] = true
				break
			}
		}
	}
	return len(places) > h.replicas()/2
}

// aroundRedis reports whether a token that lived then may have come to the replicas by
// calls of their own.
func (h *history) aroundRedis(lived period) bool {
	for _, f := range h.Faults {
		if f.Outage && (period{f.From, f.To + probe(f.To-f.From)}).holds(lived.From) {
			return true
		}
	}
	for _, p := range h.Processes {
		if slices.ContainsFunc(p.Direct, lived.holds) {
			return true
		}
	}
	return false
}

func (h *history) inRedis(token string) bool {
	for _, s := range h.Stored {
		if s.Token == token {
			return true
		}
	}
	return false
}

// lastSeen is the token that was in Redis just before, and has no reason to be gone: what
// Redis has of its life is less than the issuer's word by the time of a call, and rounded.
func (h *history) lastSeen(at time.Duration) string {
	for _, s := range h.Stored {
		if s.Token != "" && (period{s.From, s.To + gapless}).holds(at) && h.Pairs[s.Token].End-at > 2*shrinks {
			return s.Token
		}
	}
	return ""
}
