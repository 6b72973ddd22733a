package lookalike

import (
	"fmt"
	"net/http"
	"time"
)

// Fault is one way for an endpoint to misbehave. The zero value is none.
//
// Those made by Instead come in place of the issuer's work: nothing is checked
// and nothing minted. Those made by Spoiled spoil an answer that the issuer has
// made, and maybe minted for.
type Fault struct {
	name  string
	apply func(own func() Reply) Reply
}

// String names the fault; "" for none.
func (f Fault) String() string { return f.name }

// Spoil returns what the fault makes of the issuer's own answer.
func (f Fault) Spoil(own func() Reply) Reply {
	if f.apply == nil {
		return own()
	}
	return f.apply(own)
}

// Instead makes a Fault of a reply. It is built at each use, for nobody may
// share its header.
func Instead(name string, build func() Reply) Fault {
	return Fault{name, func(func() Reply) Reply { return build() }}
}

// Spoiled makes a Fault that changes the issuer's own answer.
func Spoiled(name string, change func(*Reply)) Fault {
	return Fault{name, func(own func() Reply) Reply {
		rep := own()
		change(&rep)
		return rep
	}}
}

// Status answers with an HTTP status and a line of plain text, as gateways do.
func Status(status int) Fault {
	return Instead(fmt.Sprintf("HTTP %d", status), func() Reply { return Text(status, http.StatusText(status)) })
}

// Redirect answers HTTP 307.
func Redirect(location string) Fault {
	return Answer(http.StatusTemporaryRedirect, http.Header{"Location": {location}}, "")
}

// Answer answers with anything. Header is added to the usual ones, or replaces
// them; a name without values takes one away. It may be nil.
func Answer(status int, header http.Header, body string) Fault {
	header = header.Clone()
	return Instead(fmt.Sprintf("answer %d", status), func() Reply {
		rep := New(status, "application/json; charset=utf-8", []byte(body))
		for name, values := range header {
			rep.Header[http.CanonicalHeaderKey(name)] = values
		}
		return rep
	})
}

// Answer200 answers HTTP 200 with a body.
func Answer200(name, contentType, body string) Fault {
	return Instead(name, func() Reply { return New(http.StatusOK, contentType, []byte(body)) })
}

// HTML answers HTTP 200 with a web page, as captive portals and proxies do.
func HTML() Fault {
	return Answer200("html", "text/html; charset=utf-8", "<!DOCTYPE html><title>Sign in</title><p>Please sign in to the network.")
}

// EmptyBody answers HTTP 200 with nothing.
func EmptyBody() Fault { return Answer200("empty body", "application/json", "") }

// Reset resets the connection in place of an answer.
func Reset() Fault { return Instead("reset", func() Reply { return Reply{reset: true} }) }

// Timeout never answers: it lasts until the client goes away.
func Timeout() Fault { return Instead("timeout", func() Reply { return Reply{silent: true} }) }

// EndlessBody answers HTTP 200 with a body of spaces that never ends.
func EndlessBody() Fault {
	return Instead("endless body", func() Reply {
		rep := New(http.StatusOK, "application/json", nil)
		rep.endless = true
		return rep
	})
}

// LostReply decides the call as ever, and then resets the connection.
func LostReply() Fault {
	return Spoiled("lost reply", func(rep *Reply) { *rep = Reply{reset: true} })
}

// BrokenBody cuts the connection in the middle of the issuer's own answer.
func BrokenBody() Fault {
	return Spoiled("broken body", func(rep *Reply) { rep.cut, rep.Granted = len(rep.Body)/2, false })
}

// SlowBody pauses before every byte of the issuer's own answer. It stays
// granted, since a client with enough patience gets it.
func SlowBody(pause time.Duration) Fault {
	return Spoiled("slow body", func(rep *Reply) { rep.pause = pause })
}

// Faults says whose turn it is. The zero value has none. It is guarded by its
// owner.
type Faults struct {
	always Fault
	next   []Fault
}

// Set has f spoil every answer from now on; the zero Fault ends it.
func (f *Faults) Set(fault Fault) { f.always = fault }

// Next has fault spoil the next n answers, behind those that were queued
// before and ahead of what Set has set.
func (f *Faults) Next(n int, fault Fault) {
	for range n {
		f.next = append(f.next, fault)
	}
}

// Take returns the fault for the answer at hand.
func (f *Faults) Take() Fault {
	if len(f.next) == 0 {
		return f.always
	}
	fault := f.next[0]
	f.next = f.next[1:]
	return fault
}
