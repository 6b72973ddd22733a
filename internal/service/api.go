package service

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/onetoken-go/onetoken/internal/service/vault"
	"github.com/onetoken-go/onetoken/internal/statusjson"
	"github.com/onetoken-go/onetoken/tokencache"
)

// Report is what /api/status tells. Fields are only added. It never holds a secret or a token.
type Report struct {
	Version     string             `json:"version"`
	Now         time.Time          `json:"now"`
	Started     time.Time          `json:"started"`
	StandsStill string             `json:"stands_still"` // as /healthz says it; "": the process works
	Replica     string             `json:"replica"`      // by which fetched_by names this service
	Config      ConfigReport       `json:"config"`
	Redis       redisHealth        `json:"redis"`
	Doors       []DoorReport       `json:"doors"` // but that of the status
	Credentials []CredentialReport `json:"credentials"`
	Events      []Incident         `json:"events"` // at most 200, the newest first
}

// DoorReport is a door that is open, and what was asked at it since the service started.
type DoorReport struct {
	Name     string `json:"name"`
	Listens  string `json:"listens"` // a URL, or the path of a socket
	Requests uint64 `json:"requests"`
	Refused  uint64 `json:"refused"` // of these, by the door itself, whatever HTTP status that had; not for want of a token
}

// ConfigReport is how the last reading of the configuration went.
type ConfigReport struct {
	OK       bool      `json:"ok"`
	Error    string    `json:"error"` // all complaints; "" if there are none
	LoadedAt time.Time `json:"loaded_at"`
}

// CredentialReport is one credential: what `onetoken status --json` shows of it, and what this service
// knows besides. Where both know of a token, merged decides which is told of.
type CredentialReport struct {
	statusjson.Object
	Name        string             `json:"name"`
	Kind        string             `json:"kind"`
	BaseURL     string             `json:"base_url"`
	Disabled    bool               `json:"disabled"`
	Answered    bool               `json:"answered"`             // the issuer has, since the service started
	NextRefresh statusjson.Seconds `json:"next_refresh_seconds"` // 0: due, or there is no token
	Window      statusjson.Seconds `json:"window_seconds"`
	Failing     string             `json:"failing"` // why the last attempt brought no token; "" if it did
	FailingAt   *time.Time         `json:"failing_since"`
	Newer       *NewerReport       `json:"newer"`
	Clients     []ClientReport     `json:"clients"`
	Shared      []string           `json:"same_as"` // other names of the same credential
	Known       bool               `json:"redis_answered"`

	Usable  bool               `json:"usable"` // there is a token that is handed out
	Margin  statusjson.Seconds `json:"margin_seconds"`
	Calls   uint64             `json:"calls"` // of the issuer, by this service, since it started
	Failed  uint64             `json:"calls_failed"`
	Trouble *TroubleReport     `json:"trouble"` // nil: the last attempt of the fleet brought a token
}

// TroubleReport is why there is no newer token, and what comes of that.
type TroubleReport struct {
	Text        string             `json:"text"`         // without the advice
	Advice      string             `json:"advice"`       // "": nobody has to do anything
	NeedsPerson bool               `json:"needs_person"` // it stays so until a person has acted
	Redis       bool               `json:"redis"`        // the trouble is with Redis, not with the issuer
	Since       *time.Time         `json:"since"`        // nil: this service has not met it itself
	RetryIn     statusjson.Seconds `json:"retry_in_seconds"`
}

// NewerReport is of a changed credential that is not in use yet, while the one before serves.
type NewerReport struct {
	Since time.Time `json:"since"`
	Error string    `json:"error"` // "": the issuer has not answered yet

	Trouble *TroubleReport `json:"trouble"` // nil if Error is ""
}

// ClientReport is when a client used a credential last.
type ClientReport struct {
	Name     string    `json:"name"`
	Door     string    `json:"door"`
	LastSeen time.Time `json:"last_seen"`
}

// Report is the state of the service.
func (s *Service) Report(ctx context.Context) Report {
	entries := s.vault.Entries()
	seen := s.survey.of(ctx, entries)
	r := Report{
		Version: s.Version, Now: time.Now().UTC(), Started: s.started.UTC(), StandsStill: s.pulse.StandsStill(), Replica: s.replica,
		Config: s.configReport(), Redis: s.redis.health(s.started), Doors: s.doors.report(&s.tally), Events: s.timeline.all(),
		Credentials: make([]CredentialReport, 0, len(entries)), // never null
	}
	for _, e := range entries {
		r.Credentials = append(r.Credentials, s.reportOf(e, seen))
	}
	for _, c := range s.vault.Disabled() {
		r.Credentials = append(r.Credentials, CredentialReport{
			Object: statusjson.Object{AppID: c.App, IssuerURL: c.URL, State: string(tokencache.StateAbsent)},
			Name:   c.Name, Kind: c.Kind, BaseURL: c.URL, Disabled: true, Clients: []ClientReport{}, Shared: []string{},
		})
	}
	return r
}

func (s *Service) configReport() ConfigReport {
	ok, err := s.loaded.get()
	r := ConfigReport{OK: err == nil, LoadedAt: ok.UTC()}
	if err != nil {
		r.Error = err.Error()
	}
	return r
}

func (s *Service) reportOf(e *vault.Entry, seen map[string]tokencache.Status) CredentialReport {
	spec := e.Serving()
	stored, known := seen[spec.Name]
	plan, has := e.Schedule()
	status := merged(stored, held{plan, has})
	r := CredentialReport{
		Object: statusjson.Of(status), Name: spec.Name, Kind: spec.Kind, BaseURL: spec.URL, Answered: e.Answered(), Known: known,
		NextRefresh: statusjson.SecondsOf(plan.Refresh), Window: statusjson.SecondsOf(plan.Window),
		Clients: s.uses.of(spec.Name), Shared: s.othersOf(e),
		Usable: has, Margin: statusjson.SecondsOf(plan.Margin),
	}
	r.Calls, r.Failed = s.tally.calls(spec.Name)
	r.AppID, r.ID, r.IssuerURL = cmp.Or(r.AppID, spec.App), cmp.Or(r.ID, e.ID()), cmp.Or(r.IssuerURL, spec.URL)
	since, words, why := e.Failing()
	if why != nil {
		r.Failing, r.FailingAt = words, new(since.UTC())
	}
	r.Trouble = troubleOf(since, why, status)
	if newer, ok := e.Pending(); ok {
		r.Newer = &NewerReport{Since: newer.Since.UTC()}
		if newer.Why != nil {
			r.Newer.Error = newer.Words
			r.Newer.Trouble = troubleOf(newer.Since, newer.Why, tokencache.Status{RetryIn: newer.RetryIn})
		}
	}
	return r
}

// othersOf are the other names of an entry's credential.
func (s *Service) othersOf(e *vault.Entry) []string {
	others := []string{} // never null
	for _, name := range s.vault.Names(e.ID()) {
		if name != e.Name() {
			others = append(others, name)
		}
	}
	return others
}

func (s *Service) serveReport(out http.ResponseWriter, r *http.Request) {
	raw, err := json.Marshal(s.Report(r.Context()))
	if err != nil {
		panic(err) // strings, numbers and times
	}
	out.Header().Set("Content-Type", "application/json; charset=utf-8")
	out.Header().Set("Cache-Control", "no-store")
	_, _ = out.Write(append(raw, '\n'))
}
