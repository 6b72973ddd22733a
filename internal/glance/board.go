package glance

import "time"

// Board is all that is shown. It never holds a secret or a token. What comes from elsewhere may hold anything: it
// is made harmless where it is drawn.
type Board struct {
	Where   string    // whose credentials these are, such as "service http://127.0.0.1:8080"
	Version string    // of the service; "" without one
	Now     time.Time // when this was so, by the clock of whoever told it
	Stale   string    // why nothing newer is known; "" if this is new

	StandsStill bool // the service does nothing any more
	Redis       Redis
	Config      Config
	Doors       []Door
	Credentials []Credential
	Events      []Event // the newest first
}

// Redis is whether Redis takes part.
type Redis struct {
	Degraded bool
	Since    time.Time // zero: not known
	Trouble  string    // "" if it is up
	Advice   string
}

// Config is how the last reading of a service's configuration went. The zero one is of no service.
type Config struct {
	LoadedAt time.Time // that in use
	Error    string    // why the one in the file is refused; "" if it is in use
}

// Door is where tokens are handed out, with counts since the service started.
type Door struct {
	Name              string
	Requests, Refused uint64
}

// Credential is one line.
type Credential struct {
	Name     string
	Ours     bool // that of the environment
	Disabled bool
	Usable   bool // there is a token that is handed out
	Answered bool // there was one before, or a refusal; false: not known, too
	Urgent   bool // that is at the end of its window

	Left    time.Duration // of the token's life; 0: there is none
	Life    time.Duration // that it had at first; 0: not known
	Window  time.Duration // before its end, in which the issuer gives another; 0: none, or not known
	Refresh time.Duration // until the next token is looked for; 0: that is due, or not known
	Due     bool          // the next token is being looked for

	FetchedBy string    // the replica that asked for the token; "": not known
	FetchedAt time.Time // zero: not known

	Problem *Problem // nil: the last attempt brought a token
	Newer   *Newer   // nil: the credential is in use as the file has it
}

// Problem keeps a credential from a newer token.
type Problem struct {
	Text, Advice string // Advice "": nobody has to do anything
	NeedsPerson  bool
	Redis        bool          // it is Redis', which is told once for all
	Retry        time.Duration // until the issuer is asked again; 0: not known, or it may be at once
	Attempts     int           // in a row; 0: not known
	By           string        // the replica that made the last; "": not known
}

// Newer is a credential as it is in the file now, while the one before serves.
type Newer struct {
	Problem *Problem // nil: the issuer has not answered yet
}

// Event is something that happened.
type Event struct {
	At                     time.Time
	Kind, Credential, Text string // Credential "": it is about no single one
}

// WithoutToken are the names of those that nobody gets a token of, though they are not disabled.
func (b Board) WithoutToken() (names []string) {
	for _, c := range worstFirst(b.Credentials) {
		if !c.Disabled && !c.Usable {
			names = append(names, c.Name)
		}
	}
	return names
}
