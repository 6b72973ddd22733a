package fetcher

import (
	"github.com/onetoken-go/onetoken/fetcher/internal/call"
	"github.com/onetoken-go/onetoken/tokencache"
)

var (
	wrongAppID = call.Verdict{
		Class:   tokencache.ClassPermanent,
		Meaning: "invalid parameter",
		Advice:  "check the app id against the developer console (Credentials & Basic Info)",
	}
	wrongSecret = call.Verdict{
		Class:   tokencache.ClassPermanent,
		Meaning: "app id or app secret is wrong, or the app is disabled",
		Advice:  "check the app id and the app secret against the developer console (Credentials & Basic Info), whether the app is enabled, and whether it lives at this cloud (Feishu or Lark)",
	}
	notSelfBuilt = call.Verdict{
		Class:   tokencache.ClassPermanent,
		Meaning: "not possible for a self-built app",
		Advice:  "use the credentials of a self-built app",
	}
	wrongAddress = call.Verdict{
		Class:   tokencache.ClassPermanent,
		Local:   true,
		Meaning: "this address is not on the app's allow list",
		Advice:  "add the address under which this host reaches the internet to the IP allow list in the developer console (Security Settings)",
	}
	notInUse = call.Verdict{
		Class:   tokencache.ClassPermanent,
		Meaning: "the app is not in use or not authorised",
		Advice:  "enable and publish the app in the developer console, and have the tenant's administrator approve it",
	}
	quotaUsedUp = call.Verdict{
		Class:   tokencache.ClassQuota,
		Meaning: "the month's quota of API calls is used up",
		Advice:  "raise the tenant's quota of API calls in the admin console, or wait for the next month",
	}
	// noAppToken: the ticket of a store app is missing. A self-built app has no ticket, and can
	// only ask again.
	noAppToken = call.Verdict{Meaning: "the issuer could not make an app token"}
	tryLater   = call.Verdict{Meaning: "internal error of the issuer"}
	unknown    = call.Verdict{
		Class:   tokencache.ClassUnknown,
		Meaning: "a code without a message",
		Advice:  "look the code up in the issuer's documentation, or give its support the log id",
	}
	// oddLife: the issuer has made a slip that may pass, or it is none of Feishu's.
	oddLife = call.Verdict{
		Advice: "Feishu's tokens live for 2 h at most: check the base URL",
	}
)

// codes is every documented code of the token endpoints:
// https://open.feishu.cn/document/server-docs/getting-started/server-error-codes
var codes = map[int]call.Verdict{
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

	99991400: call.RateLimited,
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

func verdictOfCode(code int) call.Verdict {
	if v, ok := codes[code]; ok {
		return v
	}
	return unknown
}

// FeishuRejectsToken reports whether a business API of Feishu or Lark rejects, by this code, the
// app or tenant access token that it was sent: give such a token to Source.Invalidate. The code
// comes with HTTP 400 or 200. Take it only from what the API itself says: a file that it hands out
// may hold the same JSON. fetcher/bearer tells them apart.
//
// 99991663 can also mean that the API does not accept this kind of token at all: try once more with
// the token that follows, then give up. The codes about user access tokens (99991668, 99991677) and
// about a missing token (99991661) are no rejections. 20013 and 20014 are, but at the APIs authen/v1/oidc
// alone, which bearer.FeishuRejects sees to.
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
