package glance

import (
	"time"

	"github.com/onetoken-go/onetoken/internal/service/remote"
	"github.com/onetoken-go/onetoken/internal/standing"
	"github.com/onetoken-go/onetoken/internal/statusjson"
	"github.com/onetoken-go/onetoken/tokencache"
)

// OfReport is what a service tells.
func OfReport(at string, r remote.Report) Board {
	b := Board{
		Where: "service " + at, Version: r.Version, Now: r.Now, StandsStill: r.StandsStill != "",
		Redis:  Redis{Degraded: r.Redis.Degraded(), Since: r.Redis.Since, Trouble: r.Redis.Trouble, Advice: r.Redis.Advice},
		Config: Config{LoadedAt: r.Config.LoadedAt, Error: r.Config.Error},
	}
	for _, d := range r.Doors {
		b.Doors = append(b.Doors, Door(d))
	}
	for _, c := range r.Credentials {
		b.Credentials = append(b.Credentials, ofReported(c))
	}
	for _, e := range r.Events {
		b.Events = append(b.Events, Event{At: e.At, Kind: e.Type, Credential: e.Credential, Text: e.Text})
	}
	return b
}

func ofReported(c remote.Credential) Credential {
	state := tokencache.State(c.State)
	g := Credential{
		Name: c.Name, Disabled: c.Disabled, Answered: c.Answered, Usable: state != tokencache.StateAbsent, Urgent: state == tokencache.StateUrgent,
		Left: durationOf(c.Remaining), Life: durationOf(c.Life), Window: durationOf(c.Window), Refresh: durationOf(c.NextRefresh),
		FetchedBy: c.FetchedBy, Problem: ofTrouble(c),
	}
	if c.Usable != nil {
		g.Usable = *c.Usable
	}
	g.Due = g.Usable && g.Refresh == 0
	if !g.Usable { // Redis has one which that service does not hand out: it has not read it yet, or will not
		g.Left, g.Refresh = 0, 0
	}
	if c.FetchedAt != nil {
		g.FetchedAt = *c.FetchedAt
	}
	if c.Newer != nil {
		g.Newer = &Newer{problemOf(c.Newer.Trouble, c.Newer.Error)}
	}
	return g
}

// ofTrouble adds what Redis has of the last failed call.
func ofTrouble(c remote.Credential) *Problem {
	p := problemOf(c.Trouble, c.Failing)
	if f := c.Failure; p != nil && f != nil && !p.Redis {
		p.NeedsPerson = p.NeedsPerson || c.Trouble == nil && standing.ClassNeedsPerson(f.Class)
		p.Attempts, p.By = f.Attempts, f.By
		if p.Retry == 0 {
			p.Retry = durationOf(f.RetryIn)
		}
	}
	return p
}

// problemOf a service, which may be one that tells the words alone.
func problemOf(t *remote.Trouble, words string) *Problem {
	switch {
	case t != nil:
		return &Problem{Text: t.Text, Advice: t.Advice, NeedsPerson: t.NeedsPerson, Redis: t.Redis, Retry: durationOf(t.RetryIn)}
	case words != "":
		return &Problem{Text: words}
	}
	return nil
}

func durationOf(s statusjson.Seconds) time.Duration {
	return time.Duration(float64(s) * float64(time.Second))
}
