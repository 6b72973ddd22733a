package tokencache

// purpose is what a fill is for, and what follows from that.
type purpose struct {
	forGet  bool // what an event brings ends it, a look of its may take the lock, and its error is a Get's
	wanted  bool // somebody waits for it from the beginning
	sitsOut bool // first of all the last fill's hold: whoever begins another has seen that there is none, or may pass it
	insists bool // on the issuer's being asked: a copy does not do, and a failure that holds the fleet is the answer
	tells   bool // Redis what it does not know, and needs no token
}

var (
	fillAhead     = &purpose{forGet: true}                              // nobody waits: refresh a copy, or have one ready
	fillForCaller = &purpose{forGet: true, wanted: true, sitsOut: true} // a Get has no copy
	fillForced    = &purpose{wanted: true, insists: true}               // Refresh: ask the issuer now
	fillPutBack   = &purpose{tells: true}                               // Redis shall learn of a token, or a rejection
)
