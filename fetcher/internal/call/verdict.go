package call

import (
	"net/http"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Verdict is what a refusal means for those who wait, and for the person who reads the error. The
// zero one is transient, and nobody can do anything about it.
type Verdict struct {
	Class   tokencache.Class
	Local   bool   // may be this host's own trouble
	Meaning string // stands in for a message that the issuer did not send
	Advice  string
}

// heedsWait reports whether the fleet waits as long as the issuer says.
func (v Verdict) heedsWait() bool {
	return v.Class == tokencache.ClassRateLimited || v.Class == tokencache.ClassQuota
}

// asksSooner reports whether the fleet would ask again sooner than after a rate limit.
func (v Verdict) asksSooner() bool {
	return v.Class == tokencache.ClassTransient || v.Class == tokencache.ClassUnknown
}

var (
	// RateLimited is asking too often.
	RateLimited = Verdict{
		Class:   tokencache.ClassRateLimited,
		Meaning: "rate limit",
	}
	proxyPassword = Verdict{
		Class:  tokencache.ClassUnknown,
		Local:  true,
		Advice: "check the proxy's user and password (HTTPS_PROXY, or as configured)",
	}
)

// OfStatus judges an answer without a code.
func (c *Caller) OfStatus(status int) Verdict {
	switch status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		return c.NotFound()
	case http.StatusTooManyRequests:
		return RateLimited
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return Verdict{}
	case http.StatusProxyAuthRequired:
		return proxyPassword
	}
	switch {
	case IsRedirect(status):
		return c.redirected()
	case status == http.StatusUnauthorized && c.Unauthorized != "":
		return Verdict{Class: tokencache.ClassUnknown, Advice: c.Unauthorized}
	case status < 500:
		return c.notTheIssuer()
	}
	return Verdict{} // transient
}

// NotFound is permanent. The likely cause is a wrong address: then asking every few seconds is
// useless, and those who wait should be told at once. A gateway in the middle of a roll-out may
// answer the same for a moment: then a minute's pause costs nothing in a window of thirty.
func (c *Caller) NotFound() Verdict {
	advice := "check the " + c.Setting
	if c.Added != "" {
		advice += ": " + c.Added + " is added to it"
	}
	return Verdict{Class: tokencache.ClassPermanent, Advice: advice}
}

func (c *Caller) redirected() Verdict {
	return Verdict{
		Class:  tokencache.ClassPermanent,
		Advice: "set the " + c.Setting + " to the address that answers itself: a redirect is not followed, it would carry the secret along",
	}
}

func (c *Caller) notTheIssuer() Verdict {
	return Verdict{
		Class:  tokencache.ClassUnknown,
		Advice: "an answer without a code seldom is the issuer's own: check the " + c.Setting + ", the proxy and the firewall",
	}
}

// SuspectHTTP puts before the advice that the address may have to begin with https://, if the answer
// looks like it. A server that wants TLS answers plain HTTP with a 400, or sends the client on to
// https://.
func (c *Caller) SuspectHTTP(v Verdict, status int) Verdict {
	if c.OverHTTP && (status == http.StatusBadRequest || IsRedirect(status)) {
		v.Advice = "see whether the " + c.Setting + " has to begin with https://: " + v.Advice
	}
	return v
}

// IsInterim reports whether a status is not that of the answer. A transport keeps such statuses to
// itself, but for 101, after which the connection speaks another protocol and has no end.
func IsInterim(status int) bool { return status < 200 }

// IsRedirect reports whether a status sends the client elsewhere.
func IsRedirect(status int) bool { return status >= 300 && status < 400 }
