package doctor

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/standing"
)

// authorities of a listener, by whose certificates clients show who they are.
func (x *fileExam) authorities(door string, l config.Listener) {
	if l.TLS != nil && len(l.TLS.Authorities) > 0 {
		x.chart.addOf(door, authoritiesCheck(l.TLS.Authorities, time.Now()))
	}
}

// authoritiesCheck is of all in a file: it fails if none of them lets any client in.
func authoritiesCheck(all []*x509.Certificate, now time.Time) finding {
	f := finding{Name: "client authorities", Status: checkOK}
	var lasting, soon []*x509.Certificate
	unfit, admit := map[unfitness][]string{}, false
	for _, a := range all {
		why := unfitnessOf(a, now)
		admit = admit || why == fit || why == signsNobody
		if why != fit {
			unfit[why] = append(unfit[why], authorityName(a))
			continue
		}
		lasting = append(lasting, a)
		if endsSoon(a, now) {
			soon = append(soon, a)
		}
	}
	if len(lasting) > 0 {
		f.Found = firstToEnd(lasting, now)
	}
	if len(soon) > 0 {
		f = f.warn("that is soon", "renew it, and keep the old one beside the new until every client has a certificate of that")
	}
	for why, told := range unfitnesses {
		if names := unfit[unfitness(why)]; len(names) > 0 {
			f = f.warn(told.found+": "+standing.Some(names), told.advice)
		}
	}
	if !admit {
		f.Status = checkFail
	}
	return f
}

// firstToEnd tells how long all will do.
func firstToEnd(all []*x509.Certificate, now time.Time) string {
	first := slices.MinFunc(all, func(a, b *x509.Certificate) int {
		return cmp.Or(a.NotAfter.Compare(b.NotAfter), cmp.Compare(authorityName(a), authorityName(b)))
	})
	lasts := authorityName(first) + ", " + daysLeft(first.NotAfter.Sub(now)) + ", until " + first.NotAfter.UTC().Format(time.DateTime) + "Z"
	if len(all) == 1 {
		return lasts
	}
	return fmt.Sprintf("%d, of which the first to end is %s", len(all), lasts)
}

// unfitness is why clients cannot show certificates of an authority.
type unfitness int

const (
	fit unfitness = iota
	hasEnded
	notBegun
	signsNobody // but a client that shows the very certificate is let in
	notOfClients
)

var unfitnesses = [...]struct{ found, advice string }{
	hasEnded:     {"expired", "renew it, and the certificates of its clients if its key is another"},
	notBegun:     {"not valid yet", "wait, or see whether this host's clock is right"},
	signsNobody:  {"no authority, and good for one client alone, that shows it itself", "name that of the authority which has signed the clients' certificates"},
	notOfClients: {"no authority of clients", "name one whose extended key usage has clientAuth, or that has none"},
}

// unfitnessOf goes by what crypto/x509 wants of a root.
func unfitnessOf(a *x509.Certificate, now time.Time) unfitness {
	switch {
	case now.After(a.NotAfter):
		return hasEnded
	case now.Before(a.NotBefore):
		return notBegun
	case len(a.ExtKeyUsage)+len(a.UnknownExtKeyUsage) > 0 && !slices.ContainsFunc(a.ExtKeyUsage, isOfClients):
		return notOfClients
	case a.Version == 3 && !a.BasicConstraintsValid, a.BasicConstraintsValid && !a.IsCA, a.KeyUsage != 0 && a.KeyUsage&x509.KeyUsageCertSign == 0:
		return signsNobody
	}
	return fit
}

func isOfClients(usage x509.ExtKeyUsage) bool {
	return usage == x509.ExtKeyUsageAny || usage == x509.ExtKeyUsageClientAuth
}

func authorityName(a *x509.Certificate) string {
	return cmp.Or(a.Subject.CommonName, a.Subject.String(), "number "+a.SerialNumber.String())
}
