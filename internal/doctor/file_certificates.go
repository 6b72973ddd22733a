package doctor

import (
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/internal/service/config"
	"github.com/onetoken-go/onetoken/internal/standing"
)

// soonEnds is when a certificate is to be renewed at the latest; of one that lives for less than thrice that, a
// third of its life.
const soonEnds = 14 * 24 * time.Hour

// certificate of a listener: how long it lives, and whom it names.
func (x *fileExam) certificate(door string, l config.Listener) {
	if l.TLS == nil || l.TLS.Certificate.Leaf == nil {
		return
	}
	x.chart.addOf(door, certificateCheck(l.TLS.Certificate.Leaf, l.Listen, time.Now()))
}

func certificateCheck(leaf *x509.Certificate, listen string, now time.Time) finding {
	left := leaf.NotAfter.Sub(now)
	names := namesOf(leaf)
	f := finding{Name: "certificate", Status: checkOK, Found: daysLeft(left) + ", until " + leaf.NotAfter.UTC().Format(time.DateTime) + "Z, for " + standing.Some(names)}
	switch {
	case left <= 0:
		f.Status, f.Found, f.Advice = checkFail, "has expired at "+leaf.NotAfter.UTC().Format(time.DateTime)+"Z", "renew it"
	case now.Before(leaf.NotBefore):
		f.Status, f.Found, f.Advice = checkFail, "is not valid before "+leaf.NotBefore.UTC().Format(time.DateTime)+"Z", "wait, or see whether this host's clock is right"
	case endsSoon(leaf, now):
		f = f.warn("that is soon", "renew it")
	}
	if len(names) == 0 {
		return f.warn("it names nobody", "have it name the hosts by which clients call this listener")
	}
	if host := hostOf(listen); isOneHost(host) && leaf.VerifyHostname(host) != nil {
		f = f.warn("it does not name "+host+", where this listens", "have it name that, if clients call it so")
	}
	return f
}

func endsSoon(c *x509.Certificate, now time.Time) bool {
	return c.NotAfter.Sub(now) < min(soonEnds, c.NotAfter.Sub(c.NotBefore)/3)
}

func daysLeft(left time.Duration) string {
	if left < 48*time.Hour {
		return rounded(max(0, left)) + " left"
	}
	return fmt.Sprintf("%d days left", int(left/(24*time.Hour)))
}

func namesOf(leaf *x509.Certificate) []string {
	names := append([]string{}, leaf.DNSNames...)
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	return names
}

func hostOf(listen string) string {
	host, _, err := net.SplitHostPort(listen)
	if err != nil {
		return ""
	}
	return host
}

// isOneHost is false of every address, and of loopback, by which nobody else calls.
func isOneHost(host string) bool {
	if host == "" || strings.EqualFold(host, "localhost") {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err != nil || !ip.IsUnspecified() && !ip.IsLoopback()
}
