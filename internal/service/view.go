package service

import (
	"time"

	"github.com/onetoken-go/onetoken/internal/service/page"
	"github.com/onetoken-go/onetoken/internal/statusjson"
	"github.com/onetoken-go/onetoken/tokencache"
)

// viewOf is the report as the page wants it: with moments in place of what is left until then.
func viewOf(r Report) page.View {
	v := page.View{
		Version: r.Version, Now: r.Now, Started: r.Started, StandsStill: r.StandsStill != "", Replica: r.Replica,
		Redis:  page.Redis{Degraded: statusjson.IsDegraded(r.Redis.State), Since: r.Redis.Since, Trouble: r.Redis.Trouble, Advice: r.Redis.Advice},
		Config: page.Config{LoadedAt: r.Config.LoadedAt, Error: r.Config.Error},
	}
	for _, d := range r.Doors {
		v.Doors = append(v.Doors, page.Door(d))
	}
	for _, c := range r.Credentials {
		v.Credentials = append(v.Credentials, viewOfCredential(c, r.Now))
	}
	for _, e := range r.Events {
		v.Incidents = append(v.Incidents, page.Incident{At: e.At, Kind: e.Type, Credential: e.Credential, Text: e.Text})
	}
	return v
}

func viewOfCredential(c CredentialReport, now time.Time) page.Credential {
	v := page.Credential{
		Name: c.Name, Kind: c.Kind, App: c.AppID, Issuer: c.IssuerURL, Same: c.Shared, Disabled: c.Disabled, Usable: c.Usable, Answered: c.Answered, Urgent: c.State == string(tokencache.StateUrgent),
		End: momentIn(now, c.Remaining), Life: durationOf(c.Life), Window: durationOf(c.Window), Refresh: momentIn(now, c.NextRefresh),
		FetchedBy: c.FetchedBy, Calls: c.Calls, Failed: c.Failed, Problem: viewOfTrouble(c.Trouble, now),
	}
	if c.FetchedAt != nil {
		v.FetchedAt = *c.FetchedAt
	}
	if c.Newer != nil {
		v.Newer = &page.Newer{Since: c.Newer.Since, Problem: viewOfTrouble(c.Newer.Trouble, now)}
	}
	for _, client := range c.Clients {
		v.Clients = append(v.Clients, page.Client{Name: client.Name, Door: client.Door, Seen: client.LastSeen})
	}
	return v
}

func viewOfTrouble(t *TroubleReport, now time.Time) *page.Problem {
	if t == nil {
		return nil
	}
	p := &page.Problem{Text: t.Text, Advice: t.Advice, NeedsPerson: t.NeedsPerson, Redis: t.Redis, Retry: momentIn(now, t.RetryIn)}
	if t.Since != nil {
		p.Since = *t.Since
	}
	return p
}

func durationOf(s statusjson.Seconds) time.Duration {
	return time.Duration(float64(s) * float64(time.Second))
}

// momentIn is zero if nothing is left until then.
func momentIn(now time.Time, left statusjson.Seconds) time.Time {
	if left <= 0 {
		return time.Time{}
	}
	return now.Add(durationOf(left))
}
