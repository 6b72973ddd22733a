// Package advice tells an error to whoever ran the command: by the variable that is to be checked,
// where the error speaks to a programmer of a field, and with what to do next. [Full] and
// [InVariables] turn errors of tokencache and its fetchers into such text; a [Setting] marks them
// before with what the environment knows about it.
package advice

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/onetoken-go/onetoken/tokencache"
)

// UnverifiedRedis is what to do about skip_verify.
const UnverifiedRedis = "whoever is on the way to redis can pass for it, as its certificate is not verified: leave out skip_verify, and name its CA in SSL_CERT_FILE (REDIS_URL)"

// Full is err in words of this command, and adds what to do next, where the error itself does not say.
func Full(err error) string {
	text := InVariables(err)
	e, refused := errors.AsType[*tokencache.IssuerError](err)
	switch {
	case refused:
		return text + nextStep(err, e)
	case errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, tokencache.ErrRedis):
		return text + ": try again, raise --timeout, or look with --log-level debug"
	}
	return text
}

// InVariables says the advice in err, which is for callers of the packages, in
// words of this command: by the variable that is to be checked.
func InVariables(err error) string {
	text := err.Error()
	var from Files
	if e, ok := errors.AsType[*filedError](err); ok {
		from = e.files
	}
	if e, ok := errors.AsType[*tokencache.IssuerError](err); ok && e.Advice != "" {
		text = strings.Replace(text, e.Advice, variablesInAdvice.Replace(e.Advice), 1)
	}
	if e, ok := errors.AsType[*tokencache.RedisError](err); ok {
		text = strings.Replace(text, e.Error(), onTLS(err)+e.Error()+variableFor(e), 1)
	}
	return from.Named(text)
}

// onTLS is what to try first where one side alone seems to speak TLS.
func onTLS(err error) string {
	if _, ok := errors.AsType[*tlsError](err); ok {
		return "rediss:// needs a port that speaks TLS, check that of REDIS_URL: "
	}
	if _, ok := errors.AsType[*plainError](err); ok {
		return "if the port speaks TLS, begin REDIS_URL with rediss://: "
	}
	return ""
}

// variableFor names the variable that a trouble with Redis can be mended by, in
// brackets; nothing if it is to be mended in Redis.
func variableFor(e *tokencache.RedisError) string {
	switch e.Trouble {
	case tokencache.TroubleWrongType:
		return " (ONETOKEN_PREFIX)"
	case tokencache.TroubleOOM, tokencache.TroubleLoading, tokencache.TroubleMisconf, tokencache.TroubleNoPerm, tokencache.TroubleBusy,
		tokencache.TroubleTryAgain, tokencache.TroubleNoReplicas, tokencache.TroubleMasterDown, tokencache.TroubleClusterDown, tokencache.TroubleMaxClients:
		return ""
	}
	return " (REDIS_URL)"
}

var variablesInAdvice = strings.NewReplacer(
	"the base URL", "FEISHU_BASE_URL", "base URL", "FEISHU_BASE_URL",
	"the app id", "FEISHU_APP_ID", "app id", "FEISHU_APP_ID",
	"the app secret", "FEISHU_APP_SECRET", "app secret", "FEISHU_APP_SECRET",
	"the token URL", "OAUTH2_TOKEN_URL", "the client id", "OAUTH2_CLIENT_ID", "the client secret", "OAUTH2_CLIENT_SECRET",
	"in the body", "in the body (OAUTH2_AUTH=body)", "by HTTP Basic", "by HTTP Basic (OAUTH2_AUTH=basic)",
	"check the scopes", "check OAUTH2_SCOPES", "the resource and the audience", "OAUTH2_RESOURCE and OAUTH2_AUDIENCE",
	"set Life", "set OAUTH2_LIFE", "raise MaxLife", "raise OAUTH2_MAX_LIFE",
)

// nextStep goes on where the advice of a refusal ends: when, or with which command, the issuer is
// asked again. It begins with a ": " where there is no advice.
func nextStep(err error, e *tokencache.IssuerError) string {
	remembered := memory(err, e)
	switch {
	case e.Class == tokencache.ClassPermanent && remembered != "":
		return remembered
	case e.Class == tokencache.ClassPermanent:
		return "; " + AskAtOnce
	case e.Advice != "":
		return remembered
	case e.RetryAfter > 0:
		return ": try again in " + aboveSecond(e.RetryAfter) + remembered
	}
	return ": try again in a moment" + remembered
}

// AskAtOnce is for a refusal that the fleet remembers.
const AskAtOnce = "once that is mended, onetoken refresh asks at once"

// aboveSecond is never sooner than d.
func aboveSecond(d time.Duration) string { return (d.Truncate(time.Second) + time.Second).String() }

// memory tells an error that the fleet remembers from a fresh one: what was
// mended since then cannot show yet, unless it is the id or secret:
// others are another key in Redis.
func memory(err error, e *tokencache.IssuerError) string {
	remembered, ok := errors.AsType[*Remembered](err)
	if !ok {
		return ""
	}
	again := "up to 5 min"
	if remembered.Again > 0 {
		again = aboveSecond(remembered.Again)
	}
	text := "; remembered from an earlier call, the issuer is asked again in " + again
	if e.Class == tokencache.ClassPermanent {
		text += ", with another id or secret at once; " + AskAtOnce
	}
	return text
}
