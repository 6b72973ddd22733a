package page

import "time"

// View is all that the page shows. Times are absolute, so that two Views of the same state are equal.
type View struct {
	Version     string
	Replica     string // by which FetchedBy names this service
	Now         time.Time
	Started     time.Time
	StandsStill bool // the process does nothing any more: /healthz says in what way
	Redis       Redis
	Config      Config
	Doors       []Door
	Credentials []Credential
	Incidents   []Incident // the newest first; the page shows 60
}

// Redis is whether Redis takes part.
type Redis struct {
	Degraded        bool
	Since           time.Time
	Trouble, Advice string // "" if it is up
}

// Config is how the last reading of the configuration went.
type Config struct {
	LoadedAt time.Time // that in use
	Error    string    // why the one in the file is refused; "" if it is in use
}

// Door is where tokens are handed out.
type Door struct {
	Name, Listens     string
	Requests, Refused uint64 // since the service started
}

// Credential is one line of the page.
type Credential struct {
	Name, Kind, App, Issuer string
	Same                    []string // other names of it
	Disabled                bool
	Usable                  bool // there is a token that is handed out
	Answered                bool // there was one before, or a refusal
	Urgent                  bool // that is at the end of its window

	End     time.Time     // of the token; zero: there is none
	Life    time.Duration // that it had at first
	Window  time.Duration // before its end, in which the issuer gives another
	Refresh time.Time     // when the next token is looked for; zero: that is due, or there is none

	FetchedBy string    // who asked for the token, by name; "": not known
	FetchedAt time.Time // zero: not known

	Calls, Failed uint64 // of the issuer, by this service, since it started
	Problem       *Problem
	Newer         *Newer
	Clients       []Client
}

// Problem keeps a credential from a newer token.
type Problem struct {
	Text, Advice string // Advice "": nobody has to do anything
	NeedsPerson  bool
	Redis        bool      // it is Redis', which the page tells once for all
	Since        time.Time // zero: not known
	Retry        time.Time // when the issuer is asked again; zero: not known
}

// Newer is a credential as it is in the file, which is not in use yet, while the one before serves.
type Newer struct {
	Since   time.Time
	Problem *Problem // nil: the issuer has not answered yet
}

// Client uses a credential.
type Client struct {
	Name, Door string
	Seen       time.Time // the last time
}

// Incident is what a person may want to know of later.
type Incident struct {
	At                     time.Time
	Kind, Credential, Text string // Credential "": it is about no single one
}
