package fetcher

import (
	"net/http"

	"github.com/onetoken-go/onetoken/tokencache"
)

// verdict is what a refusal means for those who wait, and for the person who
// reads the error.
type verdict struct {
	class   tokencache.Class
	local   bool   // may be this host's own trouble
	meaning string // stands in for a message that the issuer did not send
	advice  string
}

// heedsWait reports whether the fleet waits as long as the issuer says.
func (v verdict) heedsWait() bool {
	return v.class == tokencache.ClassRateLimited || v.class == tokencache.ClassQuota
}

// asksSooner reports whether the fleet would ask again sooner than after a rate limit.
func (v verdict) asksSooner() bool {
	return v.class == tokencache.ClassTransient || v.class == tokencache.ClassUnknown
}

var (
	wrongAppID = verdict{
		class:   tokencache.ClassPermanent,
		meaning: "invalid parameter",
		advice:  "check the app id against the developer console (Credentials & Basic Info)",
	}
	wrongSecret = verdict{
		class:   tokencache.ClassPermanent,
		meaning: "app id or app secret is wrong, or the app is disabled",
		advice:  "check the app id and the app secret against the developer console (Credentials & Basic Info), whether the app is enabled, and whether it lives at this cloud (Feishu or Lark)",
	}
	notSelfBuilt = verdict{
		class:   tokencache.ClassPermanent,
		meaning: "not possible for a self-built app",
		advice:  "use the credentials of a self-built app",
	}
	wrongAddress = verdict{
		class:   tokencache.ClassPermanent,
		local:   true,
		meaning: "this address is not on the app's allow list",
		advice:  "add the address under which this host reaches the internet to the IP allow list in the developer console (Security Settings)",
	}
	notInUse = verdict{
		class:   tokencache.ClassPermanent,
		meaning: "the app is not in use or not authorised",
		advice:  "enable and publish the app in the developer console, and have the tenant's administrator approve it",
	}
	rateLimited = verdict{
		class:   tokencache.ClassRateLimited,
		meaning: "rate limit",
	}
	quotaUsedUp = verdict{
		class:   tokencache.ClassQuota,
		meaning: "the month's quota of API calls is used up",
		advice:  "raise the tenant's quota of API calls in the admin console, or wait for the next month",
	}
	// noAppToken: the ticket of a store app is missing. A self-built app has no ticket, and can
	// only ask again.
	noAppToken = verdict{meaning: "the issuer could not make an app token"}
	tryLater   = verdict{meaning: "internal error of the issuer"}
	unknown    = verdict{
		class:   tokencache.ClassUnknown,
		meaning: "a code without a message",
		advice:  "look the code up in the issuer's documentation, or give its support the log id",
	}
)

// codes is every documented code of the token endpoints:
// https://open.feishu.cn/document/server-docs/getting-started/server-error-codes
var codes = map[int]verdict{
	10003: wrongAppID,

	10005:    wrongSecret,
	10014:    wrongSecret, // documented as "disabled", sent for a wrong secret
	10015:    wrongSecret,
	20001:    wrongSecret,
	20002:    wrongSecret,
	99991543: wrongSecret,

	10012:    noAppToken,
	10016:    notSelfBuilt,
	99991401: wrongAddress,
	99991662: notInUse,
	99991673: notInUse,

	99991400: rateLimited,
	99991403: quotaUsedUp,

	1500:  tryLater,
	1642:  tryLater,
	1663:  tryLater,
	1668:  tryLater,
	2200:  tryLater,
	5000:  tryLater,
	10101: tryLater,
	10105: tryLater,
	20050: tryLater,
	20072: tryLater,
}

func verdictOfCode(code int) verdict {
	if v, ok := codes[code]; ok {
		return v
	}
	return unknown
}

var (
	redirected = verdict{
		class:  tokencache.ClassPermanent,
		advice: "set the base URL to the address that answers itself: a redirect is not followed, it would carry the secret along",
	}
	// notFound is permanent. The likely cause is a wrong base URL: then asking every few seconds is
	// useless, and those who wait should be told at once. A gateway in the middle of a roll-out may
	// answer the same for a moment: then a minute's pause costs nothing in a window of thirty.
	notFound = verdict{
		class:  tokencache.ClassPermanent,
		advice: "check the base URL: " + tokenPath + " is added to it",
	}
	proxyPassword = verdict{
		class:  tokencache.ClassUnknown,
		local:  true,
		advice: "check the proxy's user and password in HTTPS_PROXY",
	}
	notTheIssuer = verdict{
		class:  tokencache.ClassUnknown,
		advice: "an answer without a code seldom is the issuer's own: check the base URL, the proxy and the firewall",
	}
	// oddLife: the issuer has made a slip that may pass, or it is none of Feishu's.
	oddLife = verdict{
		advice: "Feishu's tokens live for 2 h at most: check the base URL",
	}
)

// verdictOfStatus judges an answer without a code.
func verdictOfStatus(status int) verdict {
	switch status {
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone:
		return notFound
	case http.StatusTooManyRequests:
		return rateLimited
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return verdict{}
	case http.StatusProxyAuthRequired:
		return proxyPassword
	}
	switch {
	case isRedirect(status):
		return redirected
	case status < 500:
		return notTheIssuer
	}
	return verdict{} // transient
}

// isInterim reports whether a status is not that of the answer. A transport keeps such statuses to
// itself, but for 101, after which the connection speaks another protocol and has no end.
func isInterim(status int) bool { return status < 200 }

func isRedirect(status int) bool { return status >= 300 && status < 400 }

// FeishuRejectsToken reports whether a business API of Feishu or Lark rejects, by this code, the
// app or tenant access token that it was sent: give such a token to Source.Invalidate. The code
// comes with HTTP 400 or 200. Take it only from what the API itself says: a file that it hands out
// may hold the same JSON. fetcher/bearer tells them apart.
//
// 99991663 can also mean that the API does not accept this kind of token at all: try once more with
// the token that follows, then give up. The codes about user access tokens (99991668, 99991677) and
// about a missing token (99991661) are no rejections.
func FeishuRejectsToken(code int) bool {
	switch code {
	case 99991663, 99991664, 99991665, 99991671:
		return true
	}
	return false
}

// FeishuRejectsSecret reports whether the token endpoint rejects, by this code, an
// [tokencache.IssuerError.Code], the app id or the app secret: then a secret from a file is worth
// reading again.
func FeishuRejectsSecret(code int) bool { return codes[code] == wrongSecret }
