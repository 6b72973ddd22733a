package doctor

import (
	"net/url"
	"strings"

	"github.com/onetoken-go/onetoken/internal/advice"
)

func (p *patient) configurationCheck() finding {
	f := finding{Name: "configuration", Status: checkOK}
	if p.Complaints != nil {
		f.Status, f.Found, f.Advice = checkFail, strings.ReplaceAll(p.Complaints.Error(), "\n", "; "), "set the environment: see onetoken -h"
		return f
	}
	f.Found = p.describe()
	if issuer, err := p.Issuer.Fetcher(); err == nil && issuer.Unencrypted() {
		f.Status, f.Advice = checkWarn, "the "+p.Issuer.Noun+" secret and tokens travel unencrypted: use https ("+p.Issuer.Variable+")"
	}
	if p.Unverified {
		f.Status, f.Advice = checkWarn, strings.TrimPrefix(f.Advice+"; "+advice.UnverifiedRedis, "; ")
	}
	return f
}

// describe says who will be asked, which is easily mistaken, and no secret.
func (p *patient) describe() string {
	parts := []string{}
	if p.App != "" {
		parts = append(parts, p.Issuer.Noun+" "+p.App)
	}
	if issuer, err := url.Parse(p.Issuer.URL); err == nil {
		// The path tells tenants and realms apart. The query may be anything.
		parts = append(parts, "issuer "+issuer.Scheme+"://"+issuer.Host+issuer.EscapedPath())
	}
	return strings.Join(append(parts, "redis "+p.Place, "prefix "+p.Cache.Prefix), ", ")
}
