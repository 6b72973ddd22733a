package advice

import (
	"errors"
	"fmt"
	"strings"

	"github.com/onetoken-go/onetoken/tokencache"
)

// Parts is an error's text without its advice, and what to do about it, in the words of the packages and
// not by variables: for a service, whose file has keys. Todo is "" where nobody has to do anything. How long the
// issuer asks to wait is left out: pages and boards count down to when it is asked again, and a failure that was read
// from Redis has what is left of that, which differs each time.
func Parts(err error) (text, todo string) {
	text = err.Error()
	var all []string
	if e, ok := errors.AsType[*tokencache.IssuerError](err); ok {
		text = without(text, e.Advice)
		if e.RetryAfter > 0 {
			wait := fmt.Sprintf("retry after %v", e.RetryAfter)
			text = strings.NewReplacer(", "+wait, "", " ("+wait+")", "").Replace(text)
		}
		if e.Advice != "" {
			all = append(all, e.Advice)
		}
	}
	if e, ok := errors.AsType[*tokencache.RedisError](err); ok {
		own := e.Advice()
		text = without(text, own)
		if own != "" {
			all = append(all, own)
		}
	}
	return text, strings.Join(all, "; ")
}
