package service

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/onetoken-go/onetoken/internal/advice"
	"github.com/onetoken-go/onetoken/internal/standing"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Incident is something that a person may want to know of later. It never holds a secret.
type Incident struct {
	At         time.Time `json:"at"`
	Type       string    `json:"type"`
	Credential string    `json:"credential"` // "" if it is about no single one
	Text       string    `json:"text"`
}

// Types of incidents.
const (
	incidentRotation = "rotation" // a new token serves
	incidentFailure  = "failure"  // the issuer gave none
	incidentTakeover = "takeover" // a lock was taken after another holder had let it run out
	incidentRejected = "rejected" // an API did not accept a token
	incidentRedis    = "redis"
	incidentReload   = "reload"
)

const (
	mostIncidents = 200
	// repeated is how long the same incident is not told again, but for those in each.
	repeated = time.Minute
)

// each are types of incidents of which every one is told: two with the same words are two, such as a token after one
// that was rejected, or a second change of the file.
var each = []string{incidentRotation, incidentReload}

// timeline keeps the last incidents. All methods are safe for concurrent use.
type timeline struct {
	mu    sync.Mutex // guards the rest
	kept  []Incident // the newest last
	about map[[2]string]told
}

// told is the last incident of a type and credential.
type told struct {
	text string
	at   time.Time
}

func (t *timeline) add(kind, credential, text string) {
	now, about := time.Now(), [2]string{kind, credential}
	t.mu.Lock()
	defer t.mu.Unlock()
	if last := t.about[about]; last.text == text && now.Sub(last.at) < repeated && !slices.Contains(each, kind) {
		return
	}
	if t.about == nil {
		t.about = map[[2]string]told{}
	}
	t.about[about] = told{text, now}
	if len(t.kept) == mostIncidents {
		copy(t.kept, t.kept[1:])
		t.kept = t.kept[:mostIncidents-1]
	}
	t.kept = append(t.kept, Incident{At: now.UTC(), Type: kind, Credential: credential, Text: text})
}

// all are the incidents, the newest first.
func (t *timeline) all() []Incident {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]Incident, 0, len(t.kept)) // never null
	for i := len(t.kept) - 1; i >= 0; i-- {
		all = append(all, t.kept[i])
	}
	return all
}

// forget drops what is kept for the sake of a credential that is gone. Its incidents stay.
func (t *timeline) forget(credential string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for about := range t.about {
		if about[1] == credential {
			delete(t.about, about)
		}
	}
}

// observe adds what an event means to each of the credentials with its ID.
func (t *timeline) observe(e tokencache.Event, names []string) {
	kind, text := incidentOf(e)
	if kind == "" {
		return
	}
	for _, name := range names {
		t.add(kind, name, text)
	}
}

// incidentOf returns "" for an event of no interest.
func incidentOf(e tokencache.Event) (kind, text string) {
	switch e.Kind {
	case tokencache.EventAdopt:
		return incidentRotation, "a new token, which lives another " + standing.Span(e.Remaining.Round(time.Second))
	case tokencache.EventCall, tokencache.EventDirectCall:
		if refusal, ok := errors.AsType[*tokencache.IssuerError](e.Err); ok {
			alike := *refusal
			alike.LogID = "" // another at each call
			text, _ := advice.Parts(&alike)
			return incidentFailure, refusal.Class.String() + ": " + text
		}
	case tokencache.EventTakeover:
		return incidentTakeover, "the lock was taken after another holder had let it run out"
	case tokencache.EventLeaseLost:
		return incidentTakeover, "the lock was lost while the issuer was being asked"
	case tokencache.EventInvalidate:
		return incidentRejected, "a token was refused by an API: " + cmp.Or(string(e.Outcome), "Redis has not been told yet")
	}
	return "", ""
}
